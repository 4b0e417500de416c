# shellcheck shell=bash
# shellcheck disable=SC2154
# postgres.sh - the private PostgreSQL cluster of a local stack. Sourced by stack after
# process.sh; reads $dir and the notes.
#
# PostgreSQL refuses to run as root: then it runs as the user postgres, and where that user
# cannot reach the stack's folder (a clone under /root) the cluster lies in /var/tmp.

postgres_bin=/usr/lib/postgresql/15/bin

postgres_as() { # COMMAND...
    if ((EUID == 0)); then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}

postgres_user() {
    if ((EUID == 0)); then
        echo postgres
    else
        id -un
    fi
}

# Noted only where it lies elsewhere: a clone that is moved takes its cluster along.
postgres_choose_home() {
    local key
    if [[ -e $PG_HOME/complete ]]; then
        return
    elif [[ $PG_HOME != "$dir/postgres" ]]; then
        echo "stack: the cluster in $PG_HOME is gone; start again after: stack remove $dir" >&2
        exit 1
    elif postgres_as test -x "$dir"; then
        return
    fi
    key=$(sha256sum <<<"$dir")
    PG_HOME=/var/tmp/o2c-${key:0:12}
    if [[ -e $PG_HOME ]]; then
        postgres_remove_left_over
    fi
    remember PG_HOME "$PG_HOME"
}

# The stack's folder was deleted by hand while its cluster stayed behind.
postgres_remove_left_over() {
    if [[ -L $PG_HOME || $(stat -c %U "$PG_HOME") != "$(postgres_user)" ]]; then
        echo "stack: $PG_HOME is in the way and not ours" >&2
        exit 3
    fi
    postgres_as "$postgres_bin/pg_ctl" -D "$PG_HOME/data" -m immediate stop >/dev/null 2>&1 ||
        true
    rm -rf "$PG_HOME"
}

postgres_make() {
    local password
    if [[ -e $PG_HOME/complete ]]; then
        return
    fi
    rm -rf "$PG_HOME"
    install -d -m 700 -o "$(postgres_user)" "$PG_HOME"
    password=$(head -c 18 /dev/urandom | base64)
    (umask 077 && echo "127.0.0.1:*:*:o2c:$password" >"$dir/postgres.pass")
    install -m 600 -o "$(postgres_user)" /dev/stdin "$PG_HOME/password" <<<"$password"
    (cd "$PG_HOME" && postgres_as "$postgres_bin/initdb" -D "$PG_HOME/data" --username=o2c \
        --pwfile="$PG_HOME/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 \
        --no-sync --no-instructions)
    rm -f "$PG_HOME/password"
    install -m 600 -o "$(postgres_user)" /dev/stdin "$PG_HOME/data/conf" <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 128MB
max_wal_size = 2GB
jit = off
log_line_prefix = '%m [%p] %a '
log_lock_waits = on
SETTINGS
    echo "include 'conf'" | postgres_as tee -a "$PG_HOME/data/postgresql.conf" >/dev/null
    touch "$PG_HOME/complete"
}

# After a kill -9 the sessions end by themselves within moments. Where nobody has yet reaped the
# dead server, PostgreSQL would take it for a living one and refuse to start.
postgres_forget_dead() {
    local pid proc name deadline=$((SECONDS + 30))
    read -r pid 2>/dev/null <"$PG_HOME/data/postmaster.pid" || return 0
    if process_identity "$pid" >/dev/null; then
        return
    fi
    for proc in /proc/[0-9]*; do
        read -r name 2>/dev/null <"$proc/comm" || continue
        while [[ $name == postgres && $(readlink "$proc/cwd") == "$PG_HOME/data" ]]; do
            if ((SECONDS > deadline)); then
                fail "process ${proc#/proc/} still serves $PG_HOME/data" "$dir/log/postgres.log"
            fi
            sleep 0.02
        done
    done
    rm -f "$PG_HOME/data/postmaster.pid"
}

postgres_launch() {
    postgres_forget_dead
    (
        cd "$PG_HOME" || exit
        if ((EUID == 0)); then
            process_start "$dir/postgres.pid" "$dir/log/postgres.log" \
                setpriv --reuid=postgres --regid=postgres --init-groups \
                "$postgres_bin/postgres" -D "$PG_HOME/data" -p "$PG_PORT"
        else
            process_start "$dir/postgres.pid" "$dir/log/postgres.log" \
                "$postgres_bin/postgres" -D "$PG_HOME/data" -p "$PG_PORT"
        fi
    )
}

postgres_dsn() { # DATABASE
    local pass=${dir//\\/\\\\}
    pass=${pass//\'/\\\'}/postgres.pass
    echo "host=127.0.0.1 port=$PG_PORT user=o2c dbname=$1 sslmode=disable gssencmode=disable" \
        "passfile='$pass'"
}

postgres_wait() { # SECONDS
    local deadline=$((SECONDS + $1))
    until "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$PG_PORT" -t 1; do
        if ! process_running "$dir/postgres.pid" || ((SECONDS > deadline)); then
            return 1
        fi
        sleep 0.05
    done
}

postgres_make_database() {
    local dsn
    dsn=$(postgres_dsn postgres)
    if [[ -z $(psql -XAtq "$dsn" -c "SELECT 1 FROM pg_database WHERE datname = 'o2c'") ]]; then
        psql -Xq "$dsn" -c 'CREATE DATABASE o2c'
    fi
}
