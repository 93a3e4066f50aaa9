// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any bytes as payloads of one author: the input is cut in two at its first byte's position. A
 * payload that is refused must have no effect; whatever is read must be fit to print and for JSON.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(void *context, const struct cpc_record_item *item)
{
	char text[512], *dumped;
	json_t *json = cpc_record_json(item);

	++*(int *)context;
	cpc_record_format(item, text, sizeof(text));
	assert(strlen(text) < sizeof(text) - 1);
	assert(cpc_text_is_clean(text, strlen(text)));
	assert(json);
	dumped = json_dumps(json, 0);
	assert(dumped);
	free(dumped);
	json_decref(json);
}

static void read_one(struct cpc_record_reader *reader, const uint8_t *data, size_t size)
{
	struct cpc_error error = {""};
	/* A copy of its own, so that the sanitizer sees its end. */
	uint8_t *copy = malloc(size ? size : 1);
	int items = 0, r;

	memcpy(copy, data, size);
	r = cpc_record_decode(reader, copy, size, check_item, &items, &error);
	assert(r < 0 ? items == 0 && error.text[0] : items == r);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_record_reader *reader = NULL;
	size_t cut;

	if (!size || cpc_record_reader_new(&reader) < 0)
		return 0;
	cut = data[0] % size;
	data++;
	size--;
	read_one(reader, data, cut);
	read_one(reader, data + cut, size - cut);
	cpc_record_reader_free(reader);
	return 0;
}
