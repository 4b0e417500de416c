# shellcheck shell=bash
# shellcheck disable=SC2154
# steps.sh - one tidy line per step of run-local and tests/run. Sourced after process.sh; reads
# $logs, the folder of the logs, and $self, which runs a step as `$self step:NAME ARGUMENT...`.
#
# A step runs in a process group of its own, so that it can be ended as one at any moment. What
# it prints goes to $logs/NAME.log; the words it says with `detail` stand on its line.

step_groups=()  # under way
step_title=     # of the one being waited for
step_name=
step_begun=
step_watcher=   # draws its line

if [[ -t 1 ]]; then
    step_terminal=yes
else
    step_terminal=
fi
if [[ ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} == *[Uu][Tt][Ff]* ]]; then
    step_good=✓ step_bad=✗ step_spinner=(⠋ ⠙ ⠹ ⠸ ⠼ ⠴ ⠦ ⠧ ⠇ ⠏)
else
    step_good=ok step_bad=!! step_spinner=('-' "\\" '|' '/')
fi

paint() { # COLOUR TEXT
    if [[ -n $step_terminal && -z ${NO_COLOR:-} ]]; then
        printf '\e[%sm%s\e[0m' "$1" "$2"
    else
        printf %s "$2"
    fi
}

now_ms() {
    echo $((${EPOCHREALTIME//[!0-9]/} / 1000))
}

# Inside a step: what to say about it on its line.
detail() { # TEXT
    if [[ -n ${STEP_NAME:-} ]]; then
        echo "$1" >"$logs/$STEP_NAME.detail"
    fi
}

# Inside a step: does it, and notes when it was done where somebody waits for it.
step_run() { # FUNCTION ARGUMENT...
    "$@"
    if [[ -n ${STEP_NAME:-} ]]; then
        touch "$logs/$STEP_NAME.done"
    fi
}

# Begins a step without waiting for it; sets step_group.
step_begin() { # NAME ARGUMENT...
    local name=$1
    shift
    rm -f "$logs/$name.detail" "$logs/$name.done"
    STEP_NAME=$name setsid "$self" "step:$name" "$@" </dev/null >"$logs/$name.log" 2>&1 9>&- &
    step_group=$!
    step_groups+=("$step_group")
}

step_line() { # MARK SECONDS_TEXT
    local said=
    if [[ -e $logs/$step_name.detail ]]; then
        said=$(<"$logs/$step_name.detail")
    fi
    if [[ -n $step_terminal ]]; then
        printf '\r\e[K'
    fi
    printf '  %s %-12s %-52s %6s s\n' "$1" "$step_title" "$said" "$2"
}

# Spins while the group's leader lives; the last line of its log tells what it is at. A process
# of its own, as a trap that meets bash 5.2 at one of these $(...) may be lost or cut short. It
# ignores the signals: were it ended by one, `wait` would first wait for the step.
step_watch() { # GROUP
    local turn=0 last room
    trap '' INT TERM HUP
    while kill -0 "$1" 2>/dev/null; do
        last=$(tail -c 400 "$logs/$step_name.log" 2>/dev/null | tr '\r' '\n' |
            tr -cd '[:print:]\n' | grep -v '^ *$' | tail -n 1) || true
        room=$(($(tput cols 2>/dev/null || echo 80) - 30))
        printf '\r\e[K  %s %-12s %s %s' "${step_spinner[turn++ % ${#step_spinner[@]}]}" \
            "$step_title" "$(seconds_since "$step_begun") s" \
            "$(paint 2 "${last:0:$((room > 0 ? room : 0))}")"
        sleep 0.1
    done
}

step_unwatch() {
    if [[ -n $step_watcher ]]; then
        kill -s KILL "$step_watcher" 2>/dev/null || true
        wait "$step_watcher" 2>/dev/null || true
        step_watcher=
    fi
}

seconds_since() { # MS [UNTIL_MS]
    local ms=$((${2:-$(now_ms)} - $1))
    printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# Waits for a step that was begun. Where it failed: the end of its log, and its status.
step_end() { # TITLE NAME GROUP BEGUN_MS
    local status=0
    step_title=$1 step_name=$2 step_begun=$4
    if [[ -n $step_terminal ]]; then
        step_watch "$3" <&1 9>&- & # tput asks the terminal behind it
        step_watcher=$!
    fi
    wait "$3" || status=$?
    step_unwatch
    step_forget "$3"
    if ((status == 0)); then
        step_line "$(paint 32 "$step_good")" \
            "$(seconds_since "$4" "$(date -r "$logs/$2.done" +%s%3N)")"
        return
    fi
    step_line "$(paint 31 "$step_bad")" "$(seconds_since "$4")"
    {
        echo
        tail -n 15 "$logs/$2.log" | sed 's/^/    /'
        echo
        echo "  $1 failed; everything it said is in $logs/$2.log"
    } >&2
    return "$status"
}

step_forget() { # GROUP
    local group kept=()
    for group in "${step_groups[@]}"; do
        [[ $group == "$1" ]] || kept+=("$group")
    done
    step_groups=("${kept[@]}")
}

step() { # TITLE NAME ARGUMENT...
    local title=$1 begun
    shift
    begun=$(now_ms)
    step_begin "$@"
    step_end "$title" "$1" "$step_group" "$begun"
}

steps_end_all() {
    local group
    step_unwatch
    for group in "${step_groups[@]}"; do
        process_group_end "$group"
    done
    step_groups=()
}
