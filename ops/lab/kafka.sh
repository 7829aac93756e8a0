# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Apache Kafka in KRaft mode, one or three nodes, each broker and controller.

kafka_voters() {
	local n v=
	for ((n = 1; n <= BROKERS; n++)); do v+=,$n@$(part_addr "kafka$n"):9093; done
	printf '%s\n' "${v:1}"
}

kafka_bootstrap() {
	local n v=
	for ((n = 1; n <= BROKERS; n++)); do v+=,$(part_addr "kafka$n"):9092; done
	printf '%s\n' "${v:1}"
}

# kafka_config N. Small on purpose: the cleaner's buffer is 128 MB of heap by
# default and index files are pre-sized with 10 MB. Offsets are kept for 30
# days, as in production: a claim may sleep for longer than the default.
kafka_config() {
	local addr isr=1
	addr=$(part_addr "kafka$1")
	[ "$BROKERS" -lt 3 ] || isr=2
	cat <<-E
	process.roles=broker,controller
	node.id=$1
	controller.quorum.voters=$(kafka_voters)
	listeners=PLAINTEXT://$addr:9092,CONTROLLER://$addr:9093
	advertised.listeners=PLAINTEXT://$addr:9092
	controller.listener.names=CONTROLLER
	listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
	log.dirs=$STACK/kafka$1/data
	num.partitions=8
	default.replication.factor=$BROKERS
	min.insync.replicas=$isr
	offsets.topic.replication.factor=$BROKERS
	offsets.topic.num.partitions=4
	offsets.retention.minutes=43200
	transaction.state.log.replication.factor=$BROKERS
	transaction.state.log.min.isr=$isr
	transaction.state.log.num.partitions=4
	transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
	group.initial.rebalance.delay.ms=0
	group.min.session.timeout.ms=1000
	broker.session.timeout.ms=3000
	broker.heartbeat.interval.ms=500
	auto.create.topics.enable=false
	log.cleaner.dedupe.buffer.size=16777216
	log.cleaner.backoff.ms=1000
	log.index.size.max.bytes=1048576
	num.network.threads=2
	num.io.threads=4
	E
}

# One cluster id for all nodes: 16 random bytes in the base64 of URLs. Kafka
# refuses one that begins with a dash.
kafka_cluster_id() {
	local id
	while id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_'); do
		[[ $id == -* ]] || break
	done
	printf '%s\n' "${id%%=*}"
}

prepare_kafka() {
	local n
	[ -s "$STACK/cluster.id" ] || kafka_cluster_id >"$STACK/cluster.id"
	for ((n = 1; n <= BROKERS; n++)); do
		mkdir -p "$STACK/kafka$n"
		kafka_config "$n" >"$STACK/kafka$n/server.properties"
	done
}

# The first start formats the data folder.
run_kafka() {
	local conf=$STACK/$1/server.properties java
	java=("$(find_java)" -Xms256m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1
		-XX:MaxDirectMemorySize=64m -Xss512k -XX:+PerfDisableSharedMem
		-Djava.awt.headless=true -cp "$(kafka_lib)/*")
	[ -e "$STACK/$1/data/meta.properties" ] ||
		"${java[@]}" kafka.tools.StorageTool format -g -c "$conf" \
			-t "$(cat "$STACK/cluster.id")" || exit
	exec "${java[@]}" kafka.Kafka "$conf"
}

# Ready: it answers, and tells of as many brokers as there should be.
ready_kafka() {
	local addr
	addr=$(part_addr "$1")
	listening "$addr" 9092 || return 1
	[ "$(kcat -b "$addr:9092" -L -m 2 2>/dev/null | grep -c '^  broker ')" -ge "${WANT:-$BROKERS}" ]
}
