# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ops/stack and its parts share: names, places, and processes that are
# known by pid *and* start time, so that a pid that was given to somebody else
# in the meantime is never taken for ours.

PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/domainproof
KAFKA_VERSION=4.3.0

say() { printf '%s\n' "$*" >&2; }
die() { say "ops/stack: $*"; exit 1; }

# stack_places ROOT: STACK (data), NET (the first three bytes of the addresses;
# those that the stack was made with, if it was).
stack_places() {
	STACK=${DOMAINPROOF_STACK:-$1/build/stack}
	case $STACK in /*) ;; *) STACK=$PWD/$STACK ;; esac
	NET=$(cat "$STACK/net" 2>/dev/null) || NET=${DOMAINPROOF_NET:-127.53.0}
	[[ $NET =~ ^127\.[0-9]{1,3}\.[0-9]{1,3}$ ]] ||
		die "DOMAINPROOF_NET is '$NET'; give it as 127.X.Y"
	[ ${#STACK} -le 80 ] ||
		die "$STACK is too long a path for a unix socket: set DOMAINPROOF_STACK to a shorter one"
}

# The folder of Kafka's jars, or nothing.
kafka_lib() {
	local d
	if [ -n "${KAFKA_HOME:-}" ]; then
		for d in "$KAFKA_HOME/libs" "$KAFKA_HOME/lib"; do
			compgen -G "$d/kafka_2.13-*.jar" >/dev/null && printf '%s\n' "$d" && return
		done
		return 1
	fi
	d=$CACHE/kafka-$KAFKA_VERSION/lib
	[ -d "$d" ] && printf '%s\n' "$d"
}

# A java of version 17 or later, or nothing.
find_java() {
	local j v
	for j in "$(command -v java)" "${JAVA_HOME:-/nowhere}/bin/java" /usr/lib/jvm/java-*/bin/java; do
		[ -x "$j" ] || continue
		v=$("$j" -version 2>&1 </dev/null | sed -n 's/.* version "\([0-9]*\).*/\1/p;q')
		[ "${v:-0}" -ge 17 ] && printf '%s\n' "$j" && return
	done
	return 1
}

# Start time of a process in clock ticks since boot: field 22, counted after
# the name, which may hold blanks. Nothing for a zombie or no process.
start_time() {
	local s
	s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	s=${s##*) }
	[ "${s%% *}" != Z ] || return 1
	# shellcheck disable=SC2086 # the fields are to be split
	set -- $s
	printf '%s\n' "${20}"
}

# The pid of part $1 if it is alive and ours.
part_pid() {
	local pid t
	read -r pid t 2>/dev/null <"$STACK/$1/pid" || return 1
	[ "$(start_time "$pid")" = "$t" ] && printf '%s\n' "$pid"
}

part_start() {
	mkdir -p "$STACK/$1" && rm -f "$STACK/$1/pid"
	setsid "$SELF" run "$1" </dev/null >>"$STACK/$1/log" 2>&1 8>&- &
	printf '%s %s\n' $! "$(start_time $!)" >"$STACK/$1/pid"
	disown
}

# part_stop NAME SIGNAL LIMIT_S: signal it, wait for its end, KILL after that
part_stop() {
	local pid n
	pid=$(part_pid "$1") || { rm -f "$STACK/$1/pid"; return 0; }
	kill "-$2" "$pid" 2>/dev/null
	for ((n = 0; n < $3 * 20; n++)); do
		part_pid "$1" >/dev/null || break
		sleep 0.05
	done
	if part_pid "$1" >/dev/null; then
		kill -KILL "$pid" 2>/dev/null
		while part_pid "$1" >/dev/null; do sleep 0.02; done
	fi
	rm -f "$STACK/$1/pid"
}

# Whether anybody accepts TCP connections at ADDRESS PORT
listening() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
