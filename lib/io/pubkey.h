/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys made elsewhere, as files: PEM of a SubjectPublicKeyInfo ("BEGIN
 * PUBLIC KEY") or of an RSAPublicKey ("BEGIN RSA PUBLIC KEY"), by OpenSSL. For
 * the command, one thread. A private key is wiped from memory, and refused. */
#pragma once
#include "core/dkim.h"

#define PUBKEY_FILE_MAX 16384

/* The one key in len octets of text. REJECT says what the text is instead: a
 * private key, a certificate, a key too short or of an algorithm that DKIM
 * has not, no PEM at all, more than one block. Text before and behind the
 * block is allowed. */
enum next pubkey_parse(struct dkim_public *out, const char *text, size_t len,
    struct err *e) MUST_USE;
/* The same from a file, named in e; RETRY when it can't be read. "-" is
 * standard input. */
enum next pubkey_read(
    struct dkim_public *out, const char *path, struct err *e) MUST_USE;
