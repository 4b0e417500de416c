# shellcheck shell=bash
# process.sh - starting and ending processes by pid files, and ports for them; sourced by stack
# and run-local.
#
# A pid file holds "pid start-time boot-id", so that a number which the system has since given
# to another process is never taken for ours.

process_identity() { # PID
    local stat fields
    read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
    read -ra fields <<<"${stat##*) }" # the name before it may hold blanks and brackets
    [[ ${fields[0]} != Z ]] || return 1
    echo "$1 ${fields[19]} $(</proc/sys/kernel/random/boot_id)"
}

process_running() { # PIDFILE
    local noted
    read -r noted 2>/dev/null <"$1" || return 1
    [[ $(process_identity "${noted%% *}") == "$noted" ]]
}

process_pid() { # PIDFILE
    local pid
    read -r pid _ <"$1"
    echo "$pid"
}

# In a session of its own: a Ctrl-C on the terminal does not reach it, and its process group is
# its pid. A signal to the caller waits until the pid file is written, so that nothing is ever
# started that nobody could end. Descriptors 8 and 9 are locks of the caller.
process_start() { # PIDFILE LOG COMMAND...
    local pid_file=$1 log=$2 traps
    shift 2
    traps=$(trap -p INT TERM HUP)
    process_signal=
    trap 'process_signal=TERM' INT TERM HUP
    setsid "$@" </dev/null >>"$log" 2>&1 8>&- 9>&- &
    process_identity $! >"$pid_file" || true
    trap - INT TERM HUP
    eval "$traps"
    if [[ -n $process_signal ]]; then
        kill -s "$process_signal" "$BASHPID"
    fi
}

# Asks, waits, and after the given seconds insists. Nothing to do where it is not running.
process_stop() { # PIDFILE SIGNAL SECONDS
    local pid deadline=$((SECONDS + $3))
    if process_running "$1"; then
        pid=$(process_pid "$1")
        kill -s "$2" "$pid" 2>/dev/null || true
        while process_running "$1"; do
            if ((SECONDS > deadline)); then
                kill -s KILL -- "-$pid" 2>/dev/null || true
            fi
            sleep 0.02
        done
    fi
    rm -f "$1"
}

# Everything that belongs to the group, and not before it is gone (or dead and only unreaped).
process_group_end() { # GROUP
    local asked=$SECONDS signal=TERM
    while kill -s "$signal" -- "-$1" 2>/dev/null && ((SECONDS < asked + 12)); do
        if ((SECONDS > asked + 10)); then
            signal=KILL
        fi
        sleep 0.02
    done
}

port_is_free() { # PORT
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A process that was killed may hold its port for a moment.
port_gets_free() { # PORT
    for _ in {1..50}; do
        if port_is_free "$1"; then
            return
        fi
        sleep 0.1
    done
    return 1
}

# Below the range from which the system takes ports for outgoing connections.
free_port() { # TAKEN...
    local port
    while :; do
        port=$((15000 + RANDOM % 17000))
        if [[ " $* " != *" $port "* ]] && port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
}
