// SPDX-License-Identifier: BSD-3-Clause
/* Does a node keep exactly one identity, that nobody else can read, and refuse any other file? */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/net/identity.h"

static char folder[64], path[96];

static void in_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/cpc-identity.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/identity.pem", folder);
}

static void out_of_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static unsigned files(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void write_file(const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* Stores that key as PEM with mode 0600, with a password if given. */
static void write_key(EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_128_cbc() :
						       NULL, password, password ? 4 : 0, NULL,
						       NULL), 1);
	len = BIO_get_mem_data(bio, &text);
	write_file(text, (size_t)len, 0600);
	BIO_free(bio);
}

/* The text must name the file and hold these words. */
static void refused(int code, const char *words)
{
	struct cpc_identity *identity = NULL;
	struct cpc_error error = { "" };

	ck_assert_int_eq(cpc_identity_load(path, &identity, &error), code);
	ck_assert_ptr_null(identity);
	ck_assert_msg(strstr(error.text, path) && strstr(error.text, words), "'%s'", error.text);
}

START_TEST(cpc_identity_load__makes_a_key_once_for_its_owner_only)
{
	struct cpc_identity *first, *second;
	struct cpc_error error;
	struct stat st;
	mode_t before = umask(0);

	ck_assert_msg(cpc_identity_load(path, &first, &error) == 0, "%s", error.text);
	umask(before);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(files(), 1);
	ck_assert_int_eq(cpc_identity_load(path, &second, &error), 0);
	ck_assert_mem_eq(first->node_id, second->node_id, 32);
	ck_assert_int_eq(EVP_PKEY_eq(first->key, second->key), 1);
	cpc_identity_free(first);
	cpc_identity_free(second);
}
END_TEST

START_TEST(cpc_identity_load__of_two_nodes_differ)
{
	struct cpc_identity *first, *second;

	ck_assert_int_eq(cpc_identity_load(path, &first, NULL), 0);
	unlink(path);
	ck_assert_int_eq(cpc_identity_load(path, &second, NULL), 0);
	ck_assert_mem_ne(first->node_id, second->node_id, 32);
	cpc_identity_free(first);
	cpc_identity_free(second);
}
END_TEST

START_TEST(cpc_identity_load__by_many_processes_at_once_gives_one_key)
{
	enum { PROCESSES = 8 };
	int start[2], answers[2];
	uint8_t id[PROCESSES][32];

	ck_assert_int_eq(pipe(start), 0);
	ck_assert_int_eq(pipe(answers), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			struct cpc_identity *identity;
			char go;

			close(start[1]);
			/* Ends for all at the same moment: when the parent closes the pipe. */
			if (read(start[0], &go, 1) != 0 ||
			    cpc_identity_load(path, &identity, NULL) < 0 ||
			    write(answers[1], identity->node_id, 32) != 32)
				_exit(1);
			_exit(0);
		}
	}
	close(start[0]);
	close(start[1]);
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status;

		ck_assert_int_ge(wait(&status), 0);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(read(answers[0], id[i], 32), 32);
		ck_assert_mem_eq(id[i], id[0], 32);
	}
	ck_assert_uint_eq(files(), 1);
	close(answers[0]);
	close(answers[1]);
}
END_TEST

START_TEST(cpc_identity_load__refuses_a_file_that_others_can_reach)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0610, 0777 };
	struct cpc_identity *identity;

	ck_assert_int_eq(cpc_identity_load(path, &identity, NULL), 0);
	cpc_identity_free(identity);
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(chmod(path, modes[i]), 0);
		refused(-EACCES, "chmod 600");
	}
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_int_eq(cpc_identity_load(path, &identity, NULL), 0);
	cpc_identity_free(identity);
}
END_TEST

START_TEST(cpc_identity_load__refuses_other_keys)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");

	write_key(key, NULL);
	refused(-EINVAL, "secp384r1");
	EVP_PKEY_free(key);
	key = EVP_EC_gen("secp256k1");
	write_key(key, NULL);
	refused(-EINVAL, "secp256k1");
	EVP_PKEY_free(key);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	write_key(key, NULL);
	refused(-EINVAL, "ED25519");
	EVP_PKEY_free(key);
	/* The right kind, but a daemon has nobody to ask for the password. */
	key = EVP_EC_gen("P-256");
	write_key(key, "pass");
	refused(-EBADMSG, "password");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(cpc_identity_load__refuses_damage_and_never_replaces_it)
{
	struct cpc_identity *identity;
	char pem[1024], large[20000];
	ssize_t len;
	int fd;

	ck_assert_int_eq(cpc_identity_load(path, &identity, NULL), 0);
	cpc_identity_free(identity);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = read(fd, pem, sizeof(pem));
	close(fd);
	ck_assert_int_gt(len, 200);
	/* All but the newline after the last line is needed. */
	for (ssize_t cut = 0; cut < len - 1; cut += cut < len - 5 ? 7 : 1) {
		write_file(pem, (size_t)cut, 0600);
		refused(-EBADMSG, "backup");
	}
	write_file("not a key\n", 10, 0600);
	refused(-EBADMSG, "PEM");
	memset(large, 'A', sizeof(large));
	write_file(large, sizeof(large), 0600);
	refused(-EBADMSG, "20000 bytes");
	ck_assert_uint_eq(files(), 1);
}
END_TEST

START_TEST(cpc_identity_load__says_which_place_does_not_work)
{
	struct cpc_identity *identity = NULL;
	struct cpc_error error;

	ck_assert_int_eq(cpc_identity_load("/nowhere/at/all.pem", &identity, &error), -ENOENT);
	ck_assert_msg(strstr(error.text, "/nowhere/at/all.pem") && strstr(error.text, "folder"),
		      "'%s'", error.text);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused(-EINVAL, "regular file");
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused(-EINVAL, "regular file");
	rmdir(path);
}
END_TEST

START_TEST(cpc_identity_parse__finds_halves_that_do_not_belong_together)
{
	struct cpc_identity *identity, *other;
	struct cpc_error error;
	unsigned char *der = NULL, *der2 = NULL;
	CPC_BUFFER struct cpc_buffer pem = cpc_buffer_init(4096);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;
	int len;

	/* The public point is at the end of the DER form (SEC 1): take another key's. */
	ck_assert_int_eq(cpc_identity_generate(&identity, NULL), 0);
	ck_assert_int_eq(cpc_identity_generate(&other, NULL), 0);
	len = i2d_PrivateKey(identity->key, &der);
	ck_assert_int_eq(i2d_PrivateKey(other->key, &der2), len);
	memcpy(der + len - 64, der2 + len - 64, 64);
	ck_assert(PEM_write_bio(bio, "EC PRIVATE KEY", "", der, len) > 0);
	size = BIO_get_mem_data(bio, &text);
	cpc_identity_free(other);
	other = NULL;
	ck_assert_int_eq(cpc_identity_parse("a.pem", text, (size_t)size, &other, &error), -EBADMSG);
	ck_assert_msg(strstr(error.text, "a.pem") && strstr(error.text, "belong"), "'%s'",
		      error.text);
	ck_assert_ptr_null(other);
	BIO_free(bio);
	OPENSSL_free(der);
	OPENSSL_free(der2);
	/* Untampered it goes round. */
	ck_assert_int_eq(cpc_identity_write(identity, &pem), 0);
	ck_assert_int_eq(cpc_identity_parse("a.pem", pem.data, pem.len, &other, &error), 0);
	ck_assert_mem_eq(other->node_id, identity->node_id, 32);
	cpc_identity_free(identity);
	cpc_identity_free(other);
}
END_TEST

START_TEST(cpc_identity_public_key__reads_p_256_and_nothing_else)
{
	uint8_t other[CPC_SPKI_BYTES] = { 0 };
	struct cpc_identity *identity;
	unsigned char *der = NULL;
	EVP_PKEY *key;

	ck_assert_int_eq(cpc_identity_generate(&identity, NULL), 0);
	key = cpc_identity_public_key(identity->spki);
	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(EVP_PKEY_eq(key, identity->key), 1);
	EVP_PKEY_free(key);
	/* A point beside the curve. */
	identity->spki[CPC_SPKI_BYTES - 1] ^= 1;
	ck_assert_ptr_null(cpc_identity_public_key(identity->spki));
	cpc_identity_free(identity);
	/* A good key of another kind, for which there is room. */
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ck_assert_int_le(i2d_PUBKEY(key, &der), (int)sizeof(other));
	memcpy(other, der, (size_t)i2d_PUBKEY(key, NULL));
	ck_assert_ptr_null(cpc_identity_public_key(other));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(cpc_identity_certificate__carries_the_key_that_the_node_id_names)
{
	struct cpc_identity *identity;
	uint8_t digest[32], id[32];
	unsigned char *der = NULL;
	X509 *certificate;
	int len;

	ck_assert_int_eq(cpc_identity_generate(&identity, NULL), 0);
	certificate = cpc_identity_certificate(identity);
	ck_assert_ptr_nonnull(certificate);
	ck_assert_int_eq(X509_verify(certificate, identity->key), 1);
	ck_assert_int_eq(cpc_identity_digest(X509_get_X509_PUBKEY(certificate), digest), 0);
	cpc_identity_node_id(identity, id);
	ck_assert_mem_eq(digest, id, 32);
	/* The definition, by another way. */
	len = i2d_PUBKEY(identity->key, &der);
	SHA256(der, (size_t)len, digest);
	ck_assert_mem_eq(digest, id, 32);
	cpc_identity_of(der, digest);
	ck_assert_mem_eq(digest, id, 32);
	OPENSSL_free(der);
	X509_free(certificate);
	cpc_identity_free(identity);
}
END_TEST

START_TEST(cpc_net_key_id__is_the_labelled_hash)
{
	/* printf 'CPChain key id\0\1\2...\17' | sha256sum */
	static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint8_t expected[8] = { 0x99, 0xa8, 0x50, 0x87, 0x71, 0xe5, 0x77, 0x04 };
	uint8_t id[8];

	cpc_net_key_id(key, id);
	ck_assert_mem_eq(id, expected, sizeof(id));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tests = tcase_create("identity");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, in_folder, out_of_folder);
	tcase_add_test(tests, cpc_identity_load__makes_a_key_once_for_its_owner_only);
	tcase_add_test(tests, cpc_identity_load__of_two_nodes_differ);
	tcase_add_test(tests, cpc_identity_load__by_many_processes_at_once_gives_one_key);
	tcase_add_test(tests, cpc_identity_load__refuses_a_file_that_others_can_reach);
	tcase_add_test(tests, cpc_identity_load__refuses_other_keys);
	tcase_add_test(tests, cpc_identity_load__refuses_damage_and_never_replaces_it);
	tcase_add_test(tests, cpc_identity_load__says_which_place_does_not_work);
	tcase_add_test(tests, cpc_identity_parse__finds_halves_that_do_not_belong_together);
	tcase_add_test(tests, cpc_identity_public_key__reads_p_256_and_nothing_else);
	tcase_add_test(tests, cpc_identity_certificate__carries_the_key_that_the_node_id_names);
	tcase_add_test(tests, cpc_net_key_id__is_the_labelled_hash);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
