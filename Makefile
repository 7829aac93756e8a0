# SPDX-License-Identifier: Apache-2.0
# make            the programs            make demo    the whole thing, to watch
# make test       everything              make check   without servers, < 10 s
BUILD   ?= build
SAN     ?= 0
CC      ?= gcc
PREFIX  ?= /usr/local
PY       = $$(ops/setup --python)
PKGS     = rdkafka libcares hiredis libcrypto jansson libconfig libpsl libidn2
WARN     = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	   -Wmissing-prototypes -Wformat=2 -Wvla
ifeq ($(SAN),1)
B       := $(BUILD)/san
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all
else
B       := $(BUILD)
endif
VERSION := $(shell cat VERSION)
CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DDOMAINPROOF_VERSION='"$(VERSION)"' \
	   -DDOMAINPROOF_SHARE='"$(PREFIX)/share/domainproof"' \
	   $(WARN) $(WERROR) $(CFLAGS) $(SANFLAGS) -fstack-protector-strong \
	   -Ilib -I. $(PKG_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) $(SANFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread

src      = $(wildcard $(1)/*.c)
obj      = $(patsubst %.c,$(B)/%.o,$(1))
CORE    := $(call obj,$(call src,lib/core))
IO      := $(call obj,$(call src,lib/io))
WORKER  := $(call obj,$(filter-out worker/main.c,$(call src,worker)))
PRODUCER := $(call obj,$(call src,producer) $(call src,producer/cmd)) \
	   $(B)/worker/looks.o $(B)/worker/asks.o
FAKE    := $(call obj,$(call src,tests/fake))
UNIT    := $(patsubst tests/unit/%.c,$(B)/unit/%,$(call src,tests/unit))
SCENARIO := $(patsubst tests/scenario/%.c,$(B)/scenario/%,$(wildcard tests/scenario/*_test.c))
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(call src,tests/fuzz))

.PHONY: all objects coverage check test tested demo bench stack fuzz lint fmt report install clean
all: $(B)/domainproof $(B)/domainproofd

$(B)/domainproofd: $(B)/worker/main.o $(WORKER) $(IO) $(CORE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/domainproof: $(PRODUCER) $(IO) $(CORE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# the daemon as shipped, but for the places where a test may make it die
$(B)/faulty/domainproofd: $(B)/worker/main.o $(WORKER) \
	$(filter-out %/failpoint.o,$(IO)) $(B)/tests/fake/failpoint.o $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

objects: $(CORE) $(IO) $(WORKER) $(PRODUCER) $(FAKE) $(B)/worker/main.o \
	$(call obj,$(call src,tests/unit) $(call src,tests/scenario) $(call src,tests/dns))

# unit tests: the core, and the doors that need no server
$(B)/unit/%: $(B)/tests/unit/%.o $(IO) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
# its children are the test's own
$(B)/unit/supervisor_test: $(call obj,$(addprefix worker/,supervisor.c role.c here.c))
$(B)/unit/looks_test: $(B)/worker/looks.o $(B)/worker/asks.o
$(B)/unit/resolver_test: $(call obj,$(addprefix worker/,looks.c asks.c include.c resolver.c role.c))
$(B)/unit/spoof_test $(B)/unit/hostile_test: \
	$(call obj,$(addprefix tests/dns/,script.c reply.c mutate.c))
$(B)/unit/option_test: $(B)/producer/option.o
$(B)/unit/show_test: $(B)/producer/show.o
# memory runs out in these
$(addprefix $(B)/unit/,claim_test gate_test job_test lookups_test names_test \
    record_test seen_test table_test): \
	ALL_LDFLAGS += -Wl,--wrap=mem_alloc
# the resolver process, driven by the stack's tests and by measurements
$(B)/stack/looks_drive: $(B)/tests/stack/looks_drive.o $(WORKER) $(IO) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# a DNS server that lies as a script tells it
$(B)/dns/hostile: $(call obj,$(call src,tests/dns)) $(IO) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/stack/messages_drive: $(B)/tests/stack/messages_drive.o $(IO) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# scenarios: the shipped worker with fakes linked in the doors' place
FAKED    = $(patsubst %_sim,%,$(basename $(notdir $(call src,tests/fake))))
$(B)/scenario/%: $(B)/tests/scenario/%.o $(WORKER) $(FAKE) $(CORE) \
	$(filter-out $(foreach f,$(FAKED),$(B)/lib/io/$(f).o \
	    $(B)/lib/io/$(f)_%.o),$(IO)) \
	$(call obj,$(filter-out %_test.c,$(call src,tests/scenario)))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
# what make bench measures with
$(B)/bench/%: $(B)/tests/bench/%.o $(IO) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# one set of rules for the door to Kafka and for its simulator
RULES   := $(call obj,$(call src,tests/conformance))
$(B)/conformance/real: $(RULES) $(call obj,$(call src,tests/conformance/real)) \
	$(filter-out %/io/failpoint.o,$(IO)) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(B)/conformance/sim: $(RULES) $(call obj,$(call src,tests/conformance/sim)) \
	$(filter $(B)/tests/fake/kafka_sim%.o $(B)/tests/fake/broker_%.o,$(FAKE)) \
	$(filter-out %/io/failpoint.o $(B)/lib/io/kafka%.o,$(IO)) \
	$(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
# the evaluators behind a scripted resolver, for the standards' own suites
$(B)/spf/driver: $(B)/tests/spf/driver.o $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^
# fuzz harnesses: with main() they replay seeds, with libFuzzer they search
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay/main.o $(IO) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/libfuzzer/%: tests/fuzz/%.c $(call src,lib/core) $(call src,lib/io)
	@mkdir -p $(@D)
	clang-14 $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< \
	    lib/core/*.c lib/io/*.c $(LIBS)

check: all $(UNIT) $(SCENARIO) $(B)/conformance/sim $(B)/spf/driver \
	$(addprefix $(B)/fuzz/,$(FUZZ))
	@tests/run check $(B)
# tools first: on a fresh machine there may be no compiler yet
test:
	@ops/setup --test
	@$(MAKE) --no-print-directory tested
tested: all check $(B)/conformance/real $(B)/faulty/domainproofd $(B)/stack/looks_drive \
	$(B)/stack/messages_drive $(B)/dns/hostile
	@tests/run stack $(B)
demo:
	@ops/demo
bench: all $(B)/bench/latency
	@DOMAINPROOF_BUILD=$(B) tests/bench/run
stack: all
	@ops/stack up
fuzz: $(addprefix $(BUILD)/libfuzzer/,$(FUZZ))
	@tests/run fuzz $(BUILD) $(SECONDS)
# how much of lib/core make check reaches; the lines it does not
coverage:
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/cov \
	    CFLAGS="-O0 -g --coverage" LDFLAGS=--coverage check
	@tests/coverage $(BUILD)/cov --lines
lint:
	@ops/lint
fmt:
	clang-format-14 -i $$(git ls-files '*.c' '*.h')
report:
	@ops/report
# settings and policy are installed as examples: copy them to /etc/domainproof
SHARE    = $(PREFIX)/share/domainproof
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SHARE)
	install $(B)/domainproof $(B)/domainproofd $(DESTDIR)$(PREFIX)/bin
	install -m 644 schemas/*.json schemas/asyncapi.yaml ops/lists/*.txt \
	    ops/domainproofd.conf ops/policy.conf $(DESTDIR)$(SHARE)
	sed -i 's|/usr/local/share/domainproof|$(SHARE)|' \
	    $(DESTDIR)$(SHARE)/policy.conf
clean:
	rm -rf $(BUILD)/lib $(BUILD)/worker $(BUILD)/producer $(BUILD)/tests \
	    $(BUILD)/unit $(BUILD)/dns $(BUILD)/scenario $(BUILD)/fuzz $(BUILD)/conformance \
	    $(BUILD)/spf $(BUILD)/san $(BUILD)/domainproof $(BUILD)/domainproofd

-include $(shell find $(B) -name '*.d' 2>/dev/null)
