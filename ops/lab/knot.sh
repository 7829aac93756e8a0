# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016 # $TTL is a word of zone files
# The lab's DNS: Knot as root, as TLD "test." and as two customer servers, one
# process each (one that held parent and child would never send a referral).
# Zones come from the table ops/lab/zones and from $STACK/zones.extra.

zone_table() {
	sed 's/#.*//; /^[[:space:]]*$/d' "$LAB/zones" "$STACK/zones.extra" 2>/dev/null
}

# knot_head SERVER: the part of knot.conf that all four have in common.
# "keep" keeps dynamic updates over a restart; "file" follows its file.
knot_head() {
	local d=$STACK/$1
	cat <<-E
	server:
	    rundir: "$d/run"
	    listen: $(part_addr "$1")@53
	    udp-workers: 1
	    tcp-workers: 1
	    background-workers: 1
	log:
	  - target: stderr
	    any: warning
	database:
	    storage: "$d/db"
	    journal-db-max-size: 64M
	acl:
	  - id: lab
	    address: 127.0.0.0/8
	    action: [update, transfer]
	policy:
	  - id: lab
	    algorithm: ecdsap256sha256
	    single-type-signing: on
	    dnskey-ttl: 5
	    zone-max-ttl: 60
	    propagation-delay: 0
	template:
	  - id: default
	    storage: "$d/zones"
	    file: "%s.zone"
	    semantic-checks: off
	    zonefile-sync: -1
	  - id: keep
	    storage: "$d/zones"
	    file: "%s.zone"
	    semantic-checks: off
	    zonefile-sync: -1
	    zonefile-load: whole
	    journal-content: changes
	    serial-policy: increment
	    acl: lab
	  - id: file
	    storage: "$d/zones"
	    file: "%s.zone"
	    semantic-checks: off
	    zonefile-sync: -1
	    zonefile-load: difference-no-serial
	    journal-content: all
	    serial-policy: unixtime
	    dnssec-signing: on
	    dnssec-policy: lab
	zone:
	E
}

knot_conf_parent() {
	knot_head "$1"
	printf '  - domain: %s\n    template: file\n    file: "%s"\n' "$2" "$3"
}

knot_conf_customer() {
	local zone servers kind
	knot_head "$1"
	while read -r zone servers kind; do
		[[ ,$servers, == *,$1,* && $kind != lame ]] || continue
		printf '  - domain: %s.test.\n' "$zone"
		[ "$kind" = nofile ] || printf '    template: keep\n'
		case $kind in signed | badds)
			printf '    dnssec-signing: on\n    dnssec-policy: lab\n' ;;
		esac
	done < <(zone_table)
}

# knot_key SERVER ZONE: the zone has a key before its server first starts
knot_key() {
	local c=$STACK/$1/knot.conf
	[ -n "$(keymgr -c "$c" "$2" list 2>/dev/null)" ] && return
	keymgr -c "$c" "$2" generate algorithm=ecdsap256sha256 ksk=yes zsk=yes \
		>/dev/null || die "keymgr can't make a key for $2"
}

knot_ds() { keymgr -c "$STACK/$1/knot.conf" "$2" ds | sed -n '1s/ DS / 60 DS /p'; }

# zone_parent ZONE: the zone of the table that encloses it, or nothing
zone_parent() {
	local up=$1 all
	all=" $(zone_table | awk '{ printf "%s ", $1 }')"
	while [[ $up == *.* ]]; do
		up=${up#*.}
		[[ $all != *" $up "* ]] || { printf '%s\n' "$up"; return; }
	done
}

# zone_file ZONE SERVERS KIND: a customer's zone at its start
zone_file() {
	local s n owner z
	local denied=3 ttl=
	[ "$3" != slow ] || denied=1800 ttl=1800
	printf '$TTL 5\n@ %s SOA ns-a.test. h 1 3600 600 86400 %d\n' "$ttl" "$denied"
	for s in ${2//,/ }; do printf '@ NS ns-%s.test.\n' "$s"; done
	printf '@ TXT "v=spf1 -all"\n'
	while read -r z s _; do
		[[ $z == *."$1" && $(zone_parent "$z") == "$1" ]] || continue
		for n in ${s//,/ }; do printf '%s.test. NS ns-%s.test.\n' "$z" "$n"; done
	done < <(zone_table)
	[ "$3" != ours ] ||
		printf 'spf TXT "v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:25::/64 -all"\n'
	[ "$3" = big ] || return 0
	for owner in @ _example-challenge; do
		for n in 1 2 3 4 5 6 7 8 9 10; do
			printf '%s TXT "some-site-verification-%s=%0170d"\n' "$owner" "$n" "$n"
		done
	done
}

zone_files() {
	local zone servers kind s f
	while read -r zone servers kind; do
		case $kind in nofile | lame | silent) continue ;; esac
		for s in ${servers//,/ }; do
			f=$STACK/$s/zones/$zone.test.zone
			[ -e "$f" ] || zone_file "$zone" "$servers" "$kind" >"$f"
		done
	done < <(zone_table)
}

tld_zone() {
	local zone servers kind s
	printf '$TTL 60\n@ SOA ns.nic h 1 3600 600 86400 5\n@ NS ns.nic\n'
	printf 'ns.nic A %s\na.root-servers A %s\nns-a A %s\nns-b A %s\nns-silent A %s\n' \
		"$(part_addr tld)" "$(part_addr root)" "$(part_addr a)" \
		"$(part_addr b)" "$(part_addr silent)"
	while read -r zone servers kind; do
		[[ $zone != *.* || -z $(zone_parent "$zone") ]] || continue
		for s in ${servers//,/ }; do printf '%s NS ns-%s\n' "$zone" "$s"; done
		case $kind in
		signed) knot_ds "${servers%%,*}" "$zone.test." ;;
		badds) printf '%s 60 DS 1 13 2 %064d\n' "$zone" 0 ;;
		esac
	done < <(zone_table)
}

root_zone() {
	printf '$TTL 60\n@ SOA a.root-servers.test. h.test. 1 3600 600 86400 5\n'
	printf '@ NS a.root-servers.test.\na.root-servers.test. A %s\n' "$(part_addr root)"
	printf 'test. NS ns.nic.test.\nns.nic.test. A %s\n' "$(part_addr tld)"
	knot_ds tld test.
}

# Everything the four servers read. Customer zones that exist are left alone.
dns_prepare() {
	local s zone servers kind
	for s in root tld a b; do mkdir -p "$STACK/$s"/{run,db,zones}; done
	knot_conf_parent root . root.zone >"$STACK/root/knot.conf"
	knot_conf_parent tld test. test.zone >"$STACK/tld/knot.conf"
	knot_conf_customer a >"$STACK/a/knot.conf"
	knot_conf_customer b >"$STACK/b/knot.conf"
	knot_key root . && knot_key tld test.
	while read -r zone servers kind; do
		case $kind in signed | badds)
			for s in ${servers//,/ }; do knot_key "$s" "$zone.test."; done ;;
		esac
	done < <(zone_table)
	zone_files
	tld_zone >"$STACK/tld/zones/test.zone"
	root_zone >"$STACK/root/zones/root.zone"
}

# zone_add NAME...: plain zones on both servers while they run
zone_add() {
	local zone s
	for zone in "$@"; do
		zone=${zone%.}
		zone=${zone%.test}
		[[ $zone =~ ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$ ]] ||
			die "'$zone' is not one label of a zone below test."
		! zone_table | grep -q "^${zone}[[:space:]]" || continue
		printf '%s a,b plain\n' "$zone" >>"$STACK/zones.extra"
	done
	dns_prepare
	for s in a b; do knotc -c "$STACK/$s/knot.conf" reload >/dev/null || die "server $s did not reload"; done
	knotc -b -c "$STACK/tld/knot.conf" zone-reload test. >/dev/null || die "the TLD did not reload"
	wait_ready a b tld
	for zone in "$@"; do ub_control flush_zone "${zone%.test}.test." >/dev/null; done
}

# Its own pid file would stop it for as long as nobody reaps the one before.
run_knot() {
	rm -f "$STACK/$1/run/knot.pid"
	exec knotd -c "$STACK/$1/knot.conf"
}

# The zones a server must answer for, as arguments of kdig
knot_probe() {
	case $1 in
	root) printf '. ' ;;
	tld) printf 'test. ' ;;
	*) zone_table | awk -v s="$1" '$3 !~ /nofile|lame|silent/ &&
		index("," $2 ",", "," s ",") { printf "%s.test. ", $1 }' ;;
	esac
}

ready_knot() {
	local names
	listening "$(part_addr "$1")" 53 || return 1
	read -ra names < <(knot_probe "$1")
	[ "$(timeout 2 kdig +short +timeout=1 +retry=0 "@$(part_addr "$1")" -t SOA "${names[@]}" \
		2>/dev/null | grep -c ' 3600 600 86400 ')" -eq ${#names[@]} ]
}

prepare_unbound() {
	mkdir -p "$STACK/unbound"
	keymgr -c "$STACK/root/knot.conf" . ds | sed -n 1p >"$STACK/unbound/root.ds"
	printf '. 60 NS a.root-servers.test.\na.root-servers.test. 60 A %s\n' \
		"$(part_addr root)" >"$STACK/unbound/root.hints"
	cat >"$STACK/unbound/unbound.conf" <<-E
	server:
	    username: ""
	    chroot: ""
	    pidfile: ""
	    use-syslog: no
	    logfile: ""
	    directory: "$STACK/unbound"
	    val-log-level: 2
	    log-servfail: yes
	    interface: $(part_addr unbound)@53
	    access-control: 127.0.0.0/8 allow
	    outgoing-interface: $(part_addr unbound)
	    do-not-query-localhost: no
	    do-ip6: no
	    num-threads: 1
	    module-config: "validator iterator"
	    root-hints: "root.hints"
	    trust-anchor-file: "root.ds"
	    local-zone: "test." nodefault
	    ede: yes
	    serve-expired: no
	    prefetch: no
	    aggressive-nsec: no
	    # The negative cache stays at its default: tests of it mean something.
	    val-bogus-ttl: 2
	    val-sig-skew-min: 0
	    val-sig-skew-max: 0
	    infra-host-ttl: 5
	    infra-keep-probing: yes
	    infra-cache-min-rtt: 50
	    infra-cache-max-rtt: 400
	    outbound-msg-retry: 2
	remote-control:
	    control-enable: yes
	    control-interface: "$STACK/unbound/ctl.sock"
	    control-use-cert: no
	E
}

# An absolute path: after a relative one "reload" goes on with the defaults.
run_unbound() { exec unbound -d -c "$STACK/unbound/unbound.conf"; }
ub_control() { unbound-control -c "$STACK/unbound/unbound.conf" "$@"; }
ready_unbound() { ub_control status >/dev/null 2>&1; }
