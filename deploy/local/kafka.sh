# shellcheck shell=bash
# shellcheck disable=SC2154
# kafka.sh - the broker of a local stack: fetching its jars, one KRaft node in DIR/kafka.
# Sourced by stack after process.sh; reads $here, $dir and the ports in the stack's notes.

kafka_java_options=(-Xmx384m -XX:+UseSerialGC)

# One folder per version of the pom and of this machine's Java, shared by every clone.
kafka_home() {
    local key java
    java=$(readlink -f "$(command -v java)")
    key=$({ cat "$here/pom.xml"; echo "$java"; } | sha256sum)
    echo "${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/o2c/kafka-${key:0:12}"
}

kafka_class_path() { # HOME
    local jars=("$1"/lib/*.jar)
    local IFS=:
    echo "${jars[*]}"
}

kafka_java() { # OPTION... CLASS ARGUMENT...
    java "-Dlog4j2.configurationFile=$here/log4j2.xml" -cp "$(kafka_class_path "$(kafka_home)")" \
        "$@"
}

# What a broker started for a moment has loaded is kept as a class archive: the next ones
# answer after one second instead of three.
kafka_archive_classes() { # HOME
    local scratch=$1/scratch
    mkdir -p "$scratch"
    kafka_configure "$scratch" "$(free_port)" "$(free_port)"
    kafka_format "$scratch" >"$scratch/log" 2>&1
    process_start "$scratch/pid" "$scratch/log" \
        java "-Dlog4j2.configurationFile=$here/log4j2.xml" "${kafka_java_options[@]}" \
        -XX:ArchiveClassesAtExit="$1/classes.jsa" -cp "$(kafka_class_path "$1")" \
        kafka.Kafka "$scratch/server.properties"
    kafka_wait "$scratch/pid" "$(kafka_port_of "$scratch")" 60 || true
    process_stop "$scratch/pid" TERM 60
    rm -rf "$scratch"
}

kafka_fetch() {
    local home
    home=$(kafka_home)
    if [[ -e $home/complete ]]; then
        return
    fi
    mkdir -p "$home"
    (
        flock 8
        if [[ ! -e $home/complete ]]; then
            trap 'exit 130' INT TERM HUP
            trap 'process_stop "$home/scratch/pid" TERM 10' EXIT
            mvn -q -B -Dstyle.color=never -f "$here/pom.xml" -DoutputDirectory="$home/lib" \
                org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
                </dev/null
            kafka_archive_classes "$home"
            touch "$home/complete"
        fi
    ) 8>"$home/lock"
}

kafka_configure() { # FOLDER KAFKA_PORT CONTROLLER_PORT
    local text
    text=$(<"$here/server.properties")
    text=${text//@KAFKA_PORT@/"$2"}
    text=${text//@CONTROLLER_PORT@/"$3"}
    text=${text//@DATA@/"$1/data"}
    echo "$text" >"$1/server.properties"
}

kafka_port_of() { # FOLDER
    sed -n 's/^advertised.listeners=.*://p' "$1/server.properties"
}

kafka_format() { # FOLDER
    if [[ -e $1/data/meta.properties ]]; then
        return
    fi
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
    kafka_java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 kafka.tools.StorageTool \
        format --cluster-id="$id" --config="$1/server.properties"
}

# Sends an ApiVersions request, version 0, and waits for the first byte of the answer.
kafka_answers() { # PORT
    local answer
    answer=$(
        exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" &&
            printf '\0\0\0\12\0\22\0\0\0\0\0\1\377\377' >&3 &&
            timeout 1 head -c 4 <&3 | wc -c
    ) || return 1
    [[ $answer == 4 ]]
}

kafka_wait() { # PIDFILE PORT SECONDS
    local deadline=$((SECONDS + $3))
    until kafka_answers "$2"; do
        if ! process_running "$1" || ((SECONDS > deadline)); then
            return 1
        fi
        sleep 0.05
    done
}

# The stack's folder was deleted by hand while its broker ran.
kafka_end_left_over() {
    local proc words
    for proc in /proc/[0-9]*; do
        mapfile -d '' words 2>/dev/null <"$proc/cmdline" || continue
        if ((${#words[@]} > 2)) && [[ ${words[-2]} == kafka.Kafka &&
            ${words[-1]} == "$dir/kafka/server.properties" ]]; then
            kill -s KILL "${proc#/proc/}" || true
        fi
    done
}

kafka_launch() {
    local home archive=()
    home=$(kafka_home)
    if [[ -e $home/classes.jsa ]]; then
        archive=("-XX:SharedArchiveFile=$home/classes.jsa")
    fi
    process_start "$dir/kafka.pid" "$dir/log/kafka.log" \
        java "-Dlog4j2.configurationFile=$here/log4j2.xml" "${kafka_java_options[@]}" \
        "${archive[@]}" -cp "$(kafka_class_path "$home")" \
        kafka.Kafka "$dir/kafka/server.properties"
}
