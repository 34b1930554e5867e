#include "config.h"

#include "engine/virt/descriptor.h"

#include "engine/base/check.h"

#define LIMIT_BITS 20
#define PAGES_SHIFT 12

static uint64_t field(uint64_t value, unsigned width, unsigned at)
{
	CHECK(value >> width == 0, "a descriptor's field holds its value");
	return value << at;
}

uint64_t descriptor_encode(const struct descriptor *descriptor)
{
	CHECK(descriptor->limit >> LIMIT_BITS == 0, "a descriptor's limit has 20 bits");
	uint64_t bits = descriptor->limit & 0xffff;

	bits |= (uint64_t)(descriptor->base & 0xffffff) << 16;
	bits |= field(descriptor->type, 4, 40);
	bits |= field(descriptor->is_memory, 1, 44);
	bits |= field(descriptor->dpl, 2, 45);
	bits |= field(descriptor->present, 1, 47);
	bits |= field(descriptor->limit >> 16, 4, 48);
	bits |= field(descriptor->available, 1, 52);
	bits |= field(descriptor->is_long, 1, 53);
	bits |= field(descriptor->is_big, 1, 54);
	bits |= field(descriptor->granular, 1, 55);
	return bits | (uint64_t)(descriptor->base >> 24) << 56;
}

struct descriptor descriptor_decode(uint64_t bits)
{
	return (struct descriptor){
	    .base = (uint32_t)(bits >> 16 & 0xffffff) | (uint32_t)(bits >> 56) << 24,
	    .limit = (uint32_t)(bits & 0xffff) | (uint32_t)(bits >> 48 & 0xf) << 16,
	    .type = bits >> 40 & 0xf,
	    .is_memory = bits >> 44 & 1,
	    .dpl = bits >> 45 & 3,
	    .present = bits >> 47 & 1,
	    .available = bits >> 52 & 1,
	    .is_long = bits >> 53 & 1,
	    .is_big = bits >> 54 & 1,
	    .granular = bits >> 55 & 1,
	};
}

uint32_t descriptor_limit_bytes(const struct descriptor *descriptor)
{
	uint32_t ones = ((uint32_t)1 << PAGES_SHIFT) - 1;

	return descriptor->granular ? descriptor->limit << PAGES_SHIFT | ones : descriptor->limit;
}

uint32_t descriptor_access_rights(uint64_t bits)
{
	return (uint32_t)(bits >> 32) & 0x00f0ff00u;
}

bool descriptor_is_code(const struct descriptor *descriptor)
{
	return descriptor->is_memory && (descriptor->type & DESCRIPTOR_CODE);
}

bool descriptor_is_data(const struct descriptor *descriptor)
{
	return descriptor->is_memory && !(descriptor->type & DESCRIPTOR_CODE);
}

bool descriptor_expands_down(const struct descriptor *descriptor)
{
	return descriptor_is_data(descriptor) && (descriptor->type & DESCRIPTOR_EXPAND_DOWN);
}

bool descriptor_is_readable(const struct descriptor *descriptor)
{
	return descriptor_is_data(descriptor) ||
	       (descriptor_is_code(descriptor) && (descriptor->type & DESCRIPTOR_READABLE));
}

bool descriptor_is_writable(const struct descriptor *descriptor)
{
	return descriptor_is_data(descriptor) && (descriptor->type & DESCRIPTOR_WRITABLE);
}

bool descriptor_has_limit(const struct descriptor *descriptor)
{
	if (descriptor->is_memory)
		return true;
	switch (descriptor->type) {
	case DESCRIPTOR_TSS16:
	case DESCRIPTOR_TSS16_BUSY:
	case DESCRIPTOR_LDT:
	case DESCRIPTOR_TSS:
	case DESCRIPTOR_TSS_BUSY:
		return true;
	default:
		return false;
	}
}

bool descriptor_holds(const struct descriptor *descriptor, uint32_t offset, uint32_t bytes)
{
	uint64_t last = (uint64_t)offset + bytes - 1;
	uint32_t limit = descriptor_limit_bytes(descriptor);

	CHECK(bytes > 0, "an access has at least one byte");
	if (descriptor_expands_down(descriptor))
		return offset > limit && last <= (descriptor->is_big ? UINT32_MAX : UINT16_MAX);
	return last <= limit;
}

const char *descriptor_type_name(const struct descriptor *descriptor)
{
	static const char *const memory[16] = {
	    "data, read-only",
	    "data, read-only, accessed",
	    "data, read/write",
	    "data, read/write, accessed",
	    "data, read-only, expand-down",
	    "data, read-only, expand-down, accessed",
	    "data, read/write, expand-down",
	    "data, read/write, expand-down, accessed",
	    "code, execute-only",
	    "code, execute-only, accessed",
	    "code, execute/read",
	    "code, execute/read, accessed",
	    "code, execute-only, conforming",
	    "code, execute-only, conforming, accessed",
	    "code, execute/read, conforming",
	    "code, execute/read, conforming, accessed",
	};
	static const char *const system[16] = {
	    "reserved",
	    "16-bit TSS, available",
	    "LDT",
	    "16-bit TSS, busy",
	    "16-bit call gate",
	    "task gate",
	    "16-bit interrupt gate",
	    "16-bit trap gate",
	    "reserved",
	    "TSS, available",
	    "reserved",
	    "TSS, busy",
	    "call gate",
	    "reserved",
	    "interrupt gate",
	    "trap gate",
	};

	return (descriptor->is_memory ? memory : system)[descriptor->type & 0xf];
}
