#include "config.h"

#include "engine/virt/segment.h"

#include "engine/base/check.h"

#define CANONICAL_SHIFT 47
#define ACCESSED_BIT ((uint64_t)DESCRIPTOR_ACCESSED << 40)

static struct segment_outcome fine(uint64_t linear)
{
	return (struct segment_outcome){.linear = linear};
}

static struct segment_outcome fail(enum segment_exception exception, enum segment_reason reason,
				   uint16_t selector)
{
	return (struct segment_outcome){
	    .exception = exception, .reason = reason, .error_code = (uint16_t)(selector & ~3u)};
}

const struct descriptor_table *segment_table(const struct segment_unit *unit, uint16_t selector)
{
	return selector_is_local(selector) ? unit->ldt : unit->gdt;
}

uint64_t segment_entry_address(const struct descriptor_table *table, uint16_t selector)
{
	return table->base + (uint64_t)SEGMENT_DESCRIPTOR_BYTES * selector_index(selector);
}

/* The entry of a selector, or NULL when it lies beyond its table. */
static uint64_t *entry_of(const struct segment_unit *unit, uint16_t selector)
{
	const struct descriptor_table *table = segment_table(unit, selector);

	if (!table || selector_index(selector) >= table->entries)
		return NULL;
	return &table->entry[selector_index(selector)];
}

/* --- Loading a register ------------------------------------------------------------------------------------------ */

static bool type_fits(const struct descriptor *descriptor, enum segment_register_name name)
{
	if (name == SEGMENT_SS)
		return descriptor_is_writable(descriptor);
	return name == SEGMENT_CS ? descriptor_is_code(descriptor) : descriptor_is_readable(descriptor);
}

static bool is_conforming(const struct descriptor *descriptor)
{
	return descriptor_is_code(descriptor) && (descriptor->type & DESCRIPTOR_CONFORMING);
}

static bool privilege_fits(const struct segment_unit *unit, const struct descriptor *descriptor,
			   enum segment_register_name name, unsigned rpl)
{
	if (name == SEGMENT_SS)
		return rpl == unit->cpl && descriptor->dpl == unit->cpl;
	if (name == SEGMENT_CS)
		return is_conforming(descriptor) ? descriptor->dpl <= unit->cpl
						 : descriptor->dpl == unit->cpl && rpl <= unit->cpl;
	return is_conforming(descriptor) || (rpl <= descriptor->dpl && unit->cpl <= descriptor->dpl);
}

/* In 64-bit mode SS may be null below privilege level 3. */
static struct segment_outcome load_null(struct segment_unit *unit, enum segment_register_name name,
					uint16_t selector)
{
	bool stack_may =
	    unit->mode == SEGMENT_MODE_64 && unit->cpl < 3 && selector_rpl(selector) == unit->cpl;

	if (name == SEGMENT_CS || (name == SEGMENT_SS && !stack_may))
		return fail(SEGMENT_GP, SEGMENT_NULL_SELECTOR, 0);
	unit->reg[name] = (struct segment_register){.selector = selector};
	return fine(0);
}

struct segment_outcome segment_load(struct segment_unit *unit, enum segment_register_name name,
				    uint16_t selector)
{
	if (selector_is_null(selector))
		return load_null(unit, name, selector);
	uint64_t *entry = entry_of(unit, selector);

	if (!entry)
		return fail(SEGMENT_GP, SEGMENT_BEYOND_TABLE, selector);
	struct descriptor descriptor = descriptor_decode(*entry);

	if (!type_fits(&descriptor, name))
		return fail(SEGMENT_GP, SEGMENT_WRONG_TYPE, selector);
	if (name == SEGMENT_CS && unit->mode == SEGMENT_MODE_64 && descriptor.is_long && descriptor.is_big)
		return fail(SEGMENT_GP, SEGMENT_WRONG_TYPE, selector);
	if (!privilege_fits(unit, &descriptor, name, selector_rpl(selector)))
		return fail(SEGMENT_GP, SEGMENT_PRIVILEGE, selector);
	if (!descriptor.present)
		return fail(name == SEGMENT_SS ? SEGMENT_SS_FAULT : SEGMENT_NP, SEGMENT_NOT_PRESENT,
			    selector);
	*entry |= ACCESSED_BIT;
	descriptor.type |= DESCRIPTOR_ACCESSED;
	unit->reg[name] = (struct segment_register){
	    .selector = name == SEGMENT_CS ? (uint16_t)((selector & ~3u) | unit->cpl) : selector,
	    .usable = true,
	    .base = descriptor.base,
	    .descriptor = descriptor,
	};
	return fine(descriptor.base);
}

void segment_set_base(struct segment_unit *unit, enum segment_register_name name, uint64_t base)
{
	CHECK(unit->mode == SEGMENT_MODE_64 && (name == SEGMENT_FS || name == SEGMENT_GS),
	      "only FS and GS have a base of their own, and only in 64-bit mode");
	unit->reg[name].base = base;
}

/* --- Using a register -------------------------------------------------------------------------------------------- */

static bool kind_is_allowed(const struct descriptor *descriptor, enum segment_access_kind kind)
{
	switch (kind) {
	case SEGMENT_WRITE:
		return descriptor_is_writable(descriptor);
	case SEGMENT_EXECUTE:
		return descriptor_is_code(descriptor);
	default:
		return descriptor_is_readable(descriptor);
	}
}

static bool is_canonical(uint64_t linear)
{
	uint64_t top = linear >> CANONICAL_SHIFT;

	return top == 0 || top == UINT64_MAX >> CANONICAL_SHIFT;
}

static struct segment_outcome translate_flat(const struct segment_unit *unit,
					     const struct segment_access *access,
					     enum segment_exception exception)
{
	bool has_base = access->through == SEGMENT_FS || access->through == SEGMENT_GS;
	uint64_t linear = access->offset + (has_base ? unit->reg[access->through].base : 0);

	if (!is_canonical(linear) || !is_canonical(linear + access->bytes - 1))
		return fail(exception, SEGMENT_NOT_CANONICAL, 0);
	return fine(linear);
}

struct segment_outcome segment_translate(const struct segment_unit *unit, const struct segment_access *access)
{
	const struct segment_register *reg = &unit->reg[access->through];
	enum segment_exception exception = access->through == SEGMENT_SS ? SEGMENT_SS_FAULT : SEGMENT_GP;

	CHECK(access->bytes > 0, "an access has at least one byte");
	if (unit->mode == SEGMENT_MODE_64)
		return translate_flat(unit, access, exception);
	if (!reg->usable)
		return fail(SEGMENT_GP, SEGMENT_NULL_SELECTOR, 0);
	if (!kind_is_allowed(&reg->descriptor, access->kind))
		return fail(SEGMENT_GP, SEGMENT_WRONG_TYPE, 0);
	if (access->offset > UINT32_MAX ||
	    !descriptor_holds(&reg->descriptor, (uint32_t)access->offset, access->bytes))
		return fail(exception, SEGMENT_BEYOND_LIMIT, 0);
	return fine((uint32_t)(reg->base + access->offset));
}

/* --- Looking at an entry ----------------------------------------------------------------------------------------- */

static bool is_visible(const struct segment_unit *unit, const struct descriptor *descriptor, unsigned rpl)
{
	return is_conforming(descriptor) || (rpl <= descriptor->dpl && unit->cpl <= descriptor->dpl);
}

/* Long mode knows no 16-bit TSS, no task gate and no 16-bit call gate. */
static bool exists_in_mode(const struct segment_unit *unit, const struct descriptor *descriptor)
{
	return unit->mode == SEGMENT_MODE_32 || descriptor->is_memory || descriptor->type == DESCRIPTOR_LDT ||
	       descriptor->type >= DESCRIPTOR_TSS;
}

static bool look_at(const struct segment_unit *unit, uint16_t selector, struct descriptor *descriptor)
{
	const uint64_t *entry = selector_is_null(selector) ? NULL : entry_of(unit, selector);

	if (!entry)
		return false;
	*descriptor = descriptor_decode(*entry);
	return exists_in_mode(unit, descriptor) && is_visible(unit, descriptor, selector_rpl(selector));
}

bool segment_access_rights(const struct segment_unit *unit, uint16_t selector, uint32_t *rights)
{
	struct descriptor descriptor;

	if (!look_at(unit, selector, &descriptor))
		return false;
	if (!descriptor_has_limit(&descriptor) && descriptor.type != DESCRIPTOR_CALL_GATE &&
	    descriptor.type != DESCRIPTOR_CALL_GATE16 && descriptor.type != DESCRIPTOR_TASK_GATE)
		return false;
	*rights = descriptor_access_rights(*entry_of(unit, selector));
	return true;
}

bool segment_limit(const struct segment_unit *unit, uint16_t selector, uint32_t *limit_bytes)
{
	struct descriptor descriptor;

	if (!look_at(unit, selector, &descriptor) || !descriptor_has_limit(&descriptor))
		return false;
	*limit_bytes = descriptor_limit_bytes(&descriptor);
	return true;
}

const char *segment_exception_name(enum segment_exception exception)
{
	static const char *const names[] = {"none", "#GP", "#NP", "#SS"};

	return names[exception];
}

const char *segment_reason_name(enum segment_reason reason)
{
	static const char *const names[] = {
	    [SEGMENT_NO_REASON] = "none",
	    [SEGMENT_NULL_SELECTOR] = "the selector is null",
	    [SEGMENT_BEYOND_TABLE] = "the selector lies beyond the limit of its table",
	    [SEGMENT_WRONG_TYPE] = "the descriptor's type forbids it",
	    [SEGMENT_PRIVILEGE] = "the privilege levels forbid it",
	    [SEGMENT_NOT_PRESENT] = "the segment is not present",
	    [SEGMENT_BEYOND_LIMIT] = "the offset lies beyond the segment's limit",
	    [SEGMENT_NOT_CANONICAL] = "the linear address is not canonical",
	};

	return names[reason];
}

/* --- Check ------------------------------------------------------------------------------------------------------- */

static const char I1[] =
    "I1: a table has at most 8,192 entries, and entry 0 of the GDT is not in use (all zero)";
static const char I2[] =
    "I2: a usable register's cached descriptor is present, and of a type that its register allows";
static const char I3[] = "I3: in 32-bit mode a register's base is its descriptor's";
static const char I4[] = "I4: SS is usable in 32-bit mode only with DPL = RPL = CPL";

static const char *check_register(const struct segment_unit *unit, enum segment_register_name name)
{
	const struct segment_register *reg = &unit->reg[name];

	if (!reg->usable)
		return NULL;
	if (!reg->descriptor.present || !type_fits(&reg->descriptor, name))
		return I2;
	if (unit->mode == SEGMENT_MODE_32 && reg->base != reg->descriptor.base)
		return I3;
	if (unit->mode == SEGMENT_MODE_32 && name == SEGMENT_SS &&
	    !privilege_fits(unit, &reg->descriptor, name, selector_rpl(reg->selector)))
		return I4;
	return NULL;
}

const char *segment_check(const struct segment_unit *unit)
{
	const char *broken = NULL;

	if (unit->gdt->entries > SEGMENT_ENTRIES_MAX || (unit->gdt->entries > 0 && unit->gdt->entry[0] != 0))
		return I1;
	if (unit->ldt && unit->ldt->entries > SEGMENT_ENTRIES_MAX)
		return I1;
	for (unsigned name = 0; name < SEGMENT_REGISTERS && !broken; name++)
		broken = check_register(unit, (enum segment_register_name)name);
	return broken;
}
