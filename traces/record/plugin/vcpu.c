#include "config.h"

#include "traces/record/plugin/vcpu.h"

#include "traces/record/plugin/mapping.h"
#include "traces/record/preload/recording.h"

#define BLOCK_WORDS_OF_MANY 256u
#define SCRATCH_WORDS 32u

struct vcpu vcpus[VCPUS];
static __thread uint64_t scratch[SCRATCH_WORDS];
static uint64_t block_words = ARENA_CHUNK_WORDS_MAX;

void vcpu_be_many(void)
{
	block_words = BLOCK_WORDS_OF_MANY;
}

static uint64_t *words_of(const struct arena_chunk *chunk)
{
	return (uint64_t *)(recording.arena.records +
			    (uint64_t)(chunk - recording.arena.chunks) * ARENA_CHUNK_RECORDS);
}

/* Hands the chunk's words up to `next` over. */
static void write_accesses(struct vcpu *vcpu, bool last)
{
	uint64_t to = (uint64_t)(vcpu->next - words_of(vcpu->chunk));
	uint64_t index = (uint64_t)(vcpu->chunk - recording.arena.chunks);

	recording_write(&recording_thread, ARENA_ACCESSES, index | (uint64_t)last << ARENA_INFO_SHIFT, to);
}

static void forget(struct vcpu *vcpu)
{
	vcpu->at = vcpu->end = vcpu->from = vcpu->merge = vcpu->repeated = NULL;
	vcpu->next = vcpu->limit = NULL;
	vcpu->chunk = NULL;
}

/* Makes sure that the chunk has room for two words. */
static bool have_chunk(struct vcpu *vcpu)
{
	if (vcpu->chunk && vcpu->limit - vcpu->next >= 2)
		return true;
	if (vcpu->chunk)
		write_accesses(vcpu, true);
	forget(vcpu);
	if (!vcpu->refused)
		vcpu->chunk = recording_take_words(&recording_thread);
	vcpu->refused = !vcpu->chunk;
	if (!vcpu->chunk)
		return false;
	vcpu->next = words_of(vcpu->chunk);
	vcpu->limit = vcpu->next + ARENA_CHUNK_WORDS_MAX;
	return true;
}

/* The first callback on this thread: it and its process become known. */
static bool bind(struct vcpu *vcpu)
{
	static bool mapped;

	if (vcpu->bound)
		return true;
	if (!recording_may(&recording_thread) && !recording.process)
		return false;
	if (!mapped)
		mapping_write_all();
	mapped = true;
	if (vcpu->stack_top != 0)
		recording_write(&recording_thread, ARENA_STACK_TOP, vcpu->stack_top & ARENA_ADDRESS_MASK, 0);
	vcpu->left = recording.arena.control->window_on;
	vcpu->bound = true;
	return true;
}

/* Ends the block: hands its words over, or counts them. */
static void close_block(struct vcpu *vcpu)
{
	const struct arena_control *control = recording.arena.control;
	uint64_t words = (uint64_t)(vcpu->at - vcpu->from);

	if (words != 0 && vcpu->off) {
		vcpu->skipped += words;
	} else if (words != 0) {
		vcpu->next = vcpu->at;
		write_accesses(vcpu, false);
	}
	vcpu->from = vcpu->at;
	if (control->window_on == 0)
		return;
	vcpu->left -= words < vcpu->left ? words : vcpu->left;
	if (vcpu->left == 0) {
		vcpu->off = !vcpu->off;
		vcpu->left = vcpu->off ? control->window_off : control->window_on;
	}
}

static void open_at(struct vcpu *vcpu, uint64_t *at, uint64_t room)
{
	vcpu->at = vcpu->from = vcpu->merge = at;
	vcpu->end = at + room;
	vcpu->repeated = NULL;
}

/* The next block: to the chunk's end, the block's length or the window's edge. */
static void open_block(struct vcpu *vcpu)
{
	const struct arena_control *control = recording.arena.control;
	uint64_t room = vcpu->off ? SCRATCH_WORDS : block_words;

	if (control->window_on == 0)
		vcpu->off = !atomic_load_explicit(&control->active, memory_order_relaxed);
	else if (vcpu->left < room)
		room = vcpu->left;
	if (vcpu->off) {
		open_at(vcpu, scratch, room < SCRATCH_WORDS ? room : SCRATCH_WORDS);
		return;
	}
	if (!have_chunk(vcpu))
		return;
	if (vcpu->skipped != 0) {
		*vcpu->next++ = access_word(ACCESS_WORD_SKIPPED, 0, vcpu->skipped);
		vcpu->skipped = 0;
	}
	if (room > (uint64_t)(vcpu->limit - vcpu->next))
		room = (uint64_t)(vcpu->limit - vcpu->next);
	open_at(vcpu, vcpu->next, room);
}

void vcpu_make_room(struct vcpu *vcpu)
{
	if (vcpu == &vcpus[VCPUS - 1]) {
		if (recording.process)
			atomic_fetch_add_explicit(&recording.process->lost_events, 1, memory_order_relaxed);
		return;
	}
	if (!bind(vcpu) || vcpu->refused)
		return;
	close_block(vcpu);
	open_block(vcpu);
}

void vcpu_put_rarely(struct vcpu *vcpu, uint64_t word)
{
	vcpu_make_room(vcpu);
	if (vcpu->at != NULL)
		*vcpu->at++ = word;
}

void vcpu_hand_over(struct vcpu *vcpu)
{
	if (!vcpu->at || vcpu->at == vcpu->from)
		return;
	close_block(vcpu);
	open_block(vcpu);
}

void vcpu_put_sign(struct vcpu *vcpu, uint64_t word)
{
	if (!vcpu->off) {
		vcpu_put(vcpu, word);
		return;
	}
	close_block(vcpu);
	if (!have_chunk(vcpu))
		return;
	*vcpu->next++ = word;
	write_accesses(vcpu, false);
	open_block(vcpu);
}

void vcpu_finish(struct vcpu *vcpu)
{
	if (!vcpu->bound)
		return;
	vcpu_hand_over(vcpu);
	if (vcpu->chunk)
		write_accesses(vcpu, true);
	forget(vcpu);
	vcpu->bound = vcpu->refused = vcpu->off = false;
	vcpu->stack_top = vcpu->skipped = vcpu->sequence = 0;
}

void vcpu_forget_all(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		forget(&vcpus[i]);
		vcpus[i].refused = false;
	}
}
