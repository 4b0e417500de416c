# shellcheck shell=bash
# folder.sh - the folder of a local stack, which is deleted as a whole in the end: so it is never
# one that holds anything else. Sourced by stack and run-local; what is asked wrongly ends with 2.
#
# DIR/notes marks it, and keeps what a later call must know: ports, where the cluster lies.

folder_is_ours() { # DIR
    [[ -e $1/notes ]]
}

folder_refuse() { # SENTENCE
    echo "${0##*/}: $1" >&2
    exit 2
}

folder_is_empty() { # DIR
    [[ -z $(ls -A "$1" 2>/dev/null) ]]
}

# Makes it where it is not there yet.
folder_claim() { # DIR
    if [[ $1 == *[,\\]* ]]; then
        folder_refuse "Kafka takes a comma or a backslash in $1 for something else"
    elif ! folder_is_ours "$1" && ! folder_is_empty "$1"; then
        folder_refuse "$1 holds other things; a stack needs a folder of its own"
    fi
    mkdir -p "$1"
    touch "$1/notes"
}

folder_delete() { # DIR
    if ! folder_is_ours "$1" && ! folder_is_empty "$1"; then
        folder_refuse "no stack lies in $1"
    fi
    rm -rf "$1"
}
