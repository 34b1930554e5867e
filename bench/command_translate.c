#include "config.h"

#include "bench/command.h"
#include "bench/command_translate.h"
#include "bench/story.h"
#include "bench/mmu_option.h"
#include "bench/translation.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "translate";

static const char help[] =
    "Usage: faultline translate [OPTION]... ADDRESS...\n"
    "       faultline translate [OPTION]... --logical SELECTOR:OFFSET\n"
    "       faultline translate --list\n"
    "       faultline translate --story\n"
    "Shows how an address becomes a physical one, step by step: segment, table indices, TLBs, page-walk "
    "caches,\n"
    "each entry with its bits, or the fault. The page of each ADDRESS is mapped in a small machine of the\n"
    "model, whose TLBs begin empty and remember from one ADDRESS to the next. Numbers may be hexadecimal\n"
    "(0x...), octal (0...) or decimal.\n"
    "\n"
    "  -m, --mmu NAME|GEOMETRY  TLBs and walk caches: a processor of --list, or words such as\n"
    "                           l1d=64x4,l2=1536x12,walk2=32x4 (default: zen4)\n"
    "  -p, --paging NAME        page tables: a shape of --list (default: the processor's)\n"
    "  -l, --levels BITS,...    page tables in numbers: index bits from the root down, then offset bits\n"
    "      --page LEVEL         map at this level: 1 a page, 2 a large page (2 MiB on x86-64) ... (default: "
    "1)\n"
    "      --missing LEVEL      leave the entry of this level empty: a fault there\n"
    "      --rights RIGHTS      letters of the page's rights: r, w, x, k = kernel only (default: rw)\n"
    "      --write, --fetch     what is tried, instead of a read\n"
    "      --kernel             in kernel mode, instead of user mode\n"
    "      --frame N            frame of the first page (default: 0x1000)\n"
    "      --nested             in a guest: every address of the walk is translated by a host of the same "
    "shape\n"
    "      --logical SEL:OFF    begin with a logical address of x86; its linear one is translated by i386 "
    "page\n"
    "                           tables unless said otherwise\n"
    "      --segments SET       descriptor table of linux64, linux32 or i386 (default: linux32)\n"
    "      --gdt BASE           linear address of that table (default: 0x1000)\n"
    "      --descriptor N=BITS  entry N as its eight bytes in one number, or as BASE:LIMIT[:KIND[:DPL]] "
    "with\n"
    "                           KIND data, data-ro, stack (expands down), code, code-xo or conforming\n"
    "      --through REG        segment register: cs ds es fs gs ss (default: ds; cs with --fetch)\n"
    "      --cpl N              current privilege level (default: the selector's)\n"
    "      --list               the processors with their figures' sources, and the shapes of page tables\n"
    "      --story              a machine from its boot over malloc, the first write and its fault to free, "
    "step "
    "by step\n"
    "  -h, --help               this text\n"
    "\n"
    "Cycles are those of the model, not a measurement.\n";

enum long_only {
	OPTION_PAGE = 256,
	OPTION_MISSING,
	OPTION_RIGHTS,
	OPTION_WRITE,
	OPTION_FETCH,
	OPTION_KERNEL,
	OPTION_FRAME,
	OPTION_NESTED,
	OPTION_LOGICAL,
	OPTION_SEGMENTS,
	OPTION_GDT,
	OPTION_DESCRIPTOR,
	OPTION_THROUGH,
	OPTION_CPL,
	OPTION_LIST,
	OPTION_STORY,
};

static const struct option long_options[] = {
    {"mmu", required_argument, NULL, 'm'},
    {"paging", required_argument, NULL, 'p'},
    {"levels", required_argument, NULL, 'l'},
    {"page", required_argument, NULL, OPTION_PAGE},
    {"missing", required_argument, NULL, OPTION_MISSING},
    {"rights", required_argument, NULL, OPTION_RIGHTS},
    {"write", no_argument, NULL, OPTION_WRITE},
    {"fetch", no_argument, NULL, OPTION_FETCH},
    {"kernel", no_argument, NULL, OPTION_KERNEL},
    {"frame", required_argument, NULL, OPTION_FRAME},
    {"nested", no_argument, NULL, OPTION_NESTED},
    {"logical", required_argument, NULL, OPTION_LOGICAL},
    {"segments", required_argument, NULL, OPTION_SEGMENTS},
    {"gdt", required_argument, NULL, OPTION_GDT},
    {"descriptor", required_argument, NULL, OPTION_DESCRIPTOR},
    {"through", required_argument, NULL, OPTION_THROUGH},
    {"cpl", required_argument, NULL, OPTION_CPL},
    {"list", no_argument, NULL, OPTION_LIST},
    {"story", no_argument, NULL, OPTION_STORY},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What the command line says before it is put together. */
struct words {
	struct translation_request request;
	const char *mmu, *paging, *levels;
	uint64_t page, missing, cpl;
	bool has_cpl, has_register, is_kernel, is_nested, list, story;
	unsigned access;
	bool has_logical;
	uint64_t selector, offset;
};

/* --- Reading words -------------------------------------------------------------------------------------------------- */

/* A number up to `most` that fills the text up to `end` (a letter, or the end of the text). */
static bool read_number(const char **text, char end, uint64_t most, uint64_t *number)
{
	char *after;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*number = strtoull(*text, &after, 0);
	if (errno != 0 || *number > most || (*after != end && *after != '\0'))
		return false;
	*text = *after == '\0' ? after : after + 1;
	return *after == end;
}

static bool number_option(const char *option, const char *text, uint64_t most, uint64_t *number)
{
	const char *rest = text;

	if (read_number(&rest, '\0', most, number))
		return true;
	complain(name, "--%s takes a number up to 0x%" PRIx64 ", not '%s'", option, most, text);
	return false;
}

/* The index of the word in the list. */
static bool word_option(const char *option, const char *text, const char *const *list, unsigned *choice)
{
	for (*choice = 0; list[*choice]; ++*choice) {
		if (strcmp(list[*choice], text) == 0)
			return true;
	}
	complain(name, "--%s does not know '%s'; `faultline translate --help` lists its words", option, text);
	return false;
}

static bool rights_option(const char *text, pte_t *rights)
{
	*rights = PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE;
	for (; *text; text++) {
		switch (*text) {
		case 'r':
			break;
		case 'w':
			*rights |= PTE_WRITE;
			break;
		case 'x':
			*rights &= ~PTE_NO_EXECUTE;
			break;
		case 'k':
			*rights &= ~PTE_USER;
			break;
		default:
			complain(name, "--rights takes the letters r, w, x and k, not '%c'", *text);
			return false;
		}
	}
	return true;
}

static bool logical_option(const char *text, struct words *words)
{
	const char *rest = text;

	words->has_logical = read_number(&rest, ':', UINT16_MAX, &words->selector) &&
			     read_number(&rest, '\0', UINT64_MAX, &words->offset);
	if (!words->has_logical)
		complain(name, "--logical takes SELECTOR:OFFSET, such as 0x68:0x124, not '%s'", text);
	return words->has_logical;
}

/* LIMIT[:KIND[:DPL]] */
static bool read_description(const char *text, uint64_t base, uint64_t *bits)
{
	static const struct {
		const char *kind;
		uint8_t type;
	} kinds[] = {
	    {"data", DESCRIPTOR_WRITABLE},
	    {"data-ro", 0},
	    {"stack", DESCRIPTOR_WRITABLE | DESCRIPTOR_EXPAND_DOWN},
	    {"code", DESCRIPTOR_CODE | DESCRIPTOR_READABLE},
	    {"code-xo", DESCRIPTOR_CODE},
	    {"conforming", DESCRIPTOR_CODE | DESCRIPTOR_READABLE | DESCRIPTOR_CONFORMING},
	};
	struct descriptor descriptor = {
	    .base = (uint32_t)base, .is_memory = true, .present = true, .is_big = true};
	uint64_t limit = 0;
	uint64_t dpl = 0;
	size_t kind = 0;
	bool more = read_number(&text, ':', UINT32_MAX, &limit);

	if (!more && *text != '\0')
		return false;
	if (more) {
		size_t length = strcspn(text, ":");

		while (kind < sizeof(kinds) / sizeof(kinds[0]) &&
		       (strlen(kinds[kind].kind) != length || strncmp(kinds[kind].kind, text, length) != 0))
			kind++;
		if (kind == sizeof(kinds) / sizeof(kinds[0]))
			return false;
		text += length;
		if (*text++ == ':' && !read_number(&text, '\0', 3, &dpl))
			return false;
	}
	descriptor.granular = limit > 0xfffff;
	if (descriptor.granular && (limit & 0xfff) != 0xfff)
		return false;
	descriptor.limit = (uint32_t)(descriptor.granular ? limit >> 12 : limit);
	descriptor.type = kinds[kind].type;
	descriptor.dpl = (uint8_t)dpl;
	*bits = descriptor_encode(&descriptor);
	return true;
}

static bool descriptor_option(const char *text, struct translation_request *request)
{
	const char *rest = text;
	uint64_t index;
	uint64_t base = 0;

	if (request->descriptors == TRANSLATION_DESCRIPTORS_MAX) {
		complain(name, "--descriptor can be given %u times at most", TRANSLATION_DESCRIPTORS_MAX);
		return false;
	}
	struct translation_descriptor *descriptor = &request->descriptor[request->descriptors];

	if (read_number(&rest, '=', SEGMENT_ENTRIES_MAX - 1, &index) && index > 0) {
		const char *value = rest;

		descriptor->index = (unsigned)index;
		request->descriptors++;
		if (read_number(&rest, '\0', UINT64_MAX, &descriptor->bits))
			return true;
		rest = value;
		if (read_number(&rest, ':', UINT32_MAX, &base) &&
		    read_description(rest, base, &descriptor->bits))
			return true;
	}
	complain(name,
		 "--descriptor takes INDEX=BITS or INDEX=BASE:LIMIT[:KIND[:DPL]] with an index of 1 to 8191 "
		 "(a limit "
		 "beyond 0xfffff ends in fff), not '%s'",
		 text);
	return false;
}

/* --- Options --------------------------------------------------------------------------------------------------------- */

static bool segment_option(int option, const char *text, struct words *words)
{
	static const char *const sets[] = {"linux64", "linux32", "i386", NULL};
	static const char *const registers[] = {"es", "cs", "ss", "ds", "fs", "gs", NULL};
	unsigned choice = 0;

	switch (option) {
	case OPTION_LOGICAL:
		return logical_option(text, words);
	case OPTION_SEGMENTS:
		if (!word_option("segments", text, sets, &choice))
			return false;
		words->request.segments = (enum task_model)choice;
		return true;
	case OPTION_GDT:
		return number_option("gdt", text, UINT32_MAX - SEGMENT_ENTRIES_MAX * SEGMENT_DESCRIPTOR_BYTES,
				     &words->request.gdt_base);
	case OPTION_DESCRIPTOR:
		return descriptor_option(text, &words->request);
	case OPTION_THROUGH:
		words->has_register = true;
		if (!word_option("through", text, registers, &choice))
			return false;
		words->request.through = (enum segment_register_name)choice;
		return true;
	default:
		words->has_cpl = true;
		return number_option("cpl", text, 3, &words->cpl);
	}
}

static bool page_option(int option, const char *text, struct words *words)
{
	switch (option) {
	case 'm':
		words->mmu = text;
		return true;
	case 'p':
		words->paging = text;
		return true;
	case 'l':
		words->levels = text;
		return true;
	case OPTION_PAGE:
		return number_option("page", text, PAGING_LEVELS_MAX, &words->page);
	case OPTION_MISSING:
		return number_option("missing", text, PAGING_LEVELS_MAX, &words->missing);
	case OPTION_RIGHTS:
		return rights_option(text, &words->request.rights);
	case OPTION_WRITE:
		words->access = WALK_WRITE;
		return true;
	case OPTION_FETCH:
		words->access = WALK_EXECUTE;
		return true;
	case OPTION_KERNEL:
		words->is_kernel = true;
		return true;
	case OPTION_FRAME:
		return number_option("frame", text, ((uint64_t)1 << PTE_FRAME_BITS) - 1,
				     &words->request.first_frame);
	case OPTION_NESTED:
		words->is_nested = true;
		return true;
	case OPTION_LIST:
		words->list = true;
		return true;
	case OPTION_STORY:
		words->story = true;
		return true;
	default:
		return segment_option(option, text, words);
	}
}

/* --- Putting the request together ------------------------------------------------------------------------------------ */

static bool choose_paging(const struct words *words, struct translation_request *request)
{
	bool is_32_bit = words->has_logical && request->segments != TASK_LINUX64;
	const char *preset = words->paging ? words->paging
			     : is_32_bit   ? "i386"
					   : request->geometry.paging->name;
	const struct paging *paging = paging_find(preset);

	if (words->levels) {
		if (paging_parse(&request->paging, words->levels) == STATUS_OK)
			return true;
		complain(name,
			 "--levels takes the index bits of 1 to 5 levels and the offset's bits, such as "
			 "9,9,9,9,12 (1 to "
			 "20 bits each, at most 45 together; an offset of 8 to 30 bits), not '%s'",
			 words->levels);
		return false;
	}
	if (!paging) {
		complain(name, "there are no page tables '%s'; `faultline translate --list` shows them",
			 preset);
		return false;
	}
	request->paging = *paging;
	return true;
}

static bool choose_page(const struct words *words, struct translation_request *request)
{
	const struct paging *paging = &request->paging;

	if (paging->entry_bytes == 4)
		request->rights &= ~PTE_NO_EXECUTE; /* which has no place in them */
	request->leaf_level = (unsigned)words->page;
	request->missing_level = (unsigned)words->missing;
	if (words->page == 0 || words->page > paging->levels ||
	    !paging_may_be_leaf(paging, request->leaf_level)) {
		complain(name, "--page %" PRIu64 ": %s page tables have no pages at that level", words->page,
			 paging->name);
		return false;
	}
	if (words->missing > paging->levels) {
		complain(name, "--missing %" PRIu64 ": %s page tables have %u levels", words->missing,
			 paging->name, paging->levels);
		return false;
	}
	return true;
}

static bool put_together(struct words *words)
{
	struct translation_request *request = &words->request;

	request->access = words->access | (words->is_kernel ? 0u : WALK_USER);
	request->cpl = words->has_cpl ? (unsigned)words->cpl : selector_rpl((uint16_t)words->selector);
	if (words->has_logical && request->cpl < 3)
		request->access &= ~(unsigned)WALK_USER;
	if (!words->has_register)
		request->through = words->access & WALK_EXECUTE ? SEGMENT_CS : SEGMENT_DS;
	if (!mmu_option(name, words->mmu ? words->mmu : "zen4", &request->geometry))
		return false;
	request->nested_level = request->geometry.nested_level;
	if (words->is_nested && request->nested_level == 0)
		request->nested_level = 1;
	return choose_paging(words, request) && choose_page(words, request);
}

/* --- Running --------------------------------------------------------------------------------------------------------- */

static int map_failed(uint64_t address, const struct translation_error *error)
{
	complain(name, "0x%" PRIx64 " cannot be mapped: %s", address, error->text);
	return EXIT_FAILED;
}

static int translate_one(struct translation *translation, uint64_t address)
{
	struct translation_error error;

	if (!translation_map(translation, address, &error))
		return map_failed(address, &error);
	translation_show_linear(translation, address);
	return EXIT_DONE;
}

static int translate_all(struct translation *translation, const struct words *words, char **addresses)
{
	int result = EXIT_DONE;
	uint64_t linear;

	if (words->has_logical &&
	    translation_show_logical(translation, (uint16_t)words->selector, words->offset, &linear))
		result = translate_one(translation, linear);
	for (; *addresses && result == EXIT_DONE; addresses++) {
		const char *text = *addresses;
		uint64_t address = 0;

		(void)read_number(&text, '\0', UINT64_MAX, &address);
		result = translate_one(translation, address);
	}
	return result;
}

static int finish(int result)
{
	if (result == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
		complain(name, "standard output cannot be written");
		return EXIT_FAILED;
	}
	return result;
}

static int tell_story(void)
{
	if (story_tell())
		return finish(EXIT_DONE);
	complain(name, "there is no memory for the machine of the story");
	return EXIT_FAILED;
}

static bool addresses_are_numbers(char **addresses)
{
	for (; *addresses; addresses++) {
		const char *text = *addresses;
		uint64_t ignored;

		if (!read_number(&text, '\0', UINT64_MAX, &ignored)) {
			complain(
			    name,
			    "an address is a number of at most 64 bits, such as 0x7f0000001000, not '%s'",
			    *addresses);
			return false;
		}
	}
	return true;
}

int command_translate(int argc, char **argv)
{
	struct words words = {.page = 1};
	struct translation_error error;
	static struct translation translation;
	int option;

	words.request.segments = TASK_LINUX32;
	words.request.gdt_base = 0x1000;
	words.request.first_frame = 0x1000;
	words.request.rights = PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE;
	optind = 1;
	while ((option = getopt_long(argc, argv, "m:p:l:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(help, stdout);
			return finish(EXIT_DONE);
		}
		if (option == '?' || !page_option(option, optarg, &words))
			return EXIT_USAGE;
	}
	if (words.list) {
		mmu_option_list();
		return finish(EXIT_DONE);
	}
	if (words.story && optind == argc)
		return tell_story();
	if (optind == argc && !words.has_logical) {
		complain(name, "no address given; `faultline translate --help` explains");
		return EXIT_USAGE;
	}
	if (!addresses_are_numbers(argv + optind) || !put_together(&words))
		return EXIT_USAGE;
	if (!translation_create(&translation, &words.request, &error)) {
		complain(name, "%s", error.text);
		return EXIT_FAILED;
	}
	int result = translate_all(&translation, &words, argv + optind);

	translation_destroy(&translation);
	return finish(result);
}
