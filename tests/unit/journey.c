#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/proc/journey.h"
#include "bench/proc/life.h"
#include "bench/proc/maps.h"
#include "bench/proc/mem.h"
#include "bench/proc/stat.h"
#include "bench/proc/status.h"
#include "tests/unit/spaces_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_BYTES (UINT64_C(256) << 20)

typedef void view(const struct proc_process *process, FILE *out);

static char *printed(view *print, const struct proc_process *process)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	print(process, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

static struct proc_journey *go(struct flt_reader *reader, uint32_t process, uint64_t event)
{
	const struct proc_journey_options options = {
	    .event = event, .process = process, .memory_bytes = MEMORY_BYTES};
	struct proc_journey *journey;
	struct trace_error error;

	if (proc_journey_create(&journey, reader, &options, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	return journey;
}

static void refuse(struct flt_reader *reader, uint32_t process, uint64_t event, const char *why)
{
	const struct proc_journey_options options = {
	    .event = event, .process = process, .memory_bytes = MEMORY_BYTES};
	struct proc_journey *journey;
	struct trace_error error = {""};

	assert_int_not_equal(proc_journey_create(&journey, reader, &options, &error), TRACE_OK);
	assert_null(journey);
	if (!strstr(error.message, why))
		fail_msg("'%s' says nothing of '%s'", error.message, why);
}

static struct event by(uint32_t process, uint32_t thread, struct event event)
{
	event.process = process;
	event.thread = thread;
	return event;
}

static struct event fault_at(uint64_t address, uint32_t how)
{
	return (struct event){.kind = EVENT_FAULT, .call = {.address = address, .flags = how}};
}

/* 0 maps; 1 .. 2 touches two pages; 3 forks; 4: child touches one; 5: child exits; 6 unmaps; 7 exits */
static struct flt_reader *family(void)
{
	struct written_trace trace;

	written_trace_begin(&trace);
	written_event(&trace, rig_memory(FIRST, 4 * PAGE));
	written_event(&trace, fault_at(FIRST + 5, EVENT_FAULT_WRITE));
	written_event(&trace, fault_at(FIRST + PAGE, 0));
	written_event(&trace, (struct event){.kind = EVENT_FORK, .count = 1});
	written_event(&trace, by(1, 1, fault_at(FIRST + 2 * PAGE, EVENT_FAULT_WRITE)));
	written_event(&trace, by(1, 1, (struct event){.kind = EVENT_EXIT}));
	written_event(&trace, rig_call(EVENT_MUNMAP, FIRST, PAGE, 0));
	written_event(&trace, (struct event){.kind = EVENT_EXIT});
	return written_trace_open(&trace);
}

static void test_life(void **state)
{
	struct flt_reader *reader = family();
	struct trace_error error;
	struct proc_life life;

	(void)state;
	assert_int_equal(proc_life_find(reader, 0, &life, &error), TRACE_OK);
	assert_true(life.exists && life.ends);
	assert_int_equal(life.first, 0);
	assert_int_equal(life.last, 7);
	assert_int_equal(proc_life_find(reader, 1, &life, &error), TRACE_OK);
	assert_true(life.exists && life.ends);
	assert_int_equal(life.first, 4);
	assert_int_equal(life.last, 5);
	flt_reader_close(reader);
}

static void test_what_cannot_be_reached(void **state)
{
	struct flt_reader *reader = family();

	(void)state;
	refuse(reader, 0, 9, "there is no event 9");
	refuse(reader, 0, 8, "not alive at event 8");
	refuse(reader, 1, 3, "it lives from event 4 to event 5, its exit");
	refuse(reader, 1, 6, "it lives from event 4 to event 5, its exit");
	refuse(reader, 2, 3, "there is no process 2");
	refuse(reader, 0, 0, "nothing is known of the address space of process 0 at event 0");
	flt_reader_close(reader);
}

static uint64_t resident_at(struct flt_reader *reader, uint32_t number, uint64_t event)
{
	struct proc_journey *journey = go(reader, number, event);
	const struct proc_process process = proc_journey_process(journey, "?");
	uint64_t pages = resident_pages(proc_resident(&process));

	assert_null(spaces_check(proc_journey_spaces(journey)));
	proc_journey_destroy(journey);
	return pages;
}

static void test_recorded_faults_make_pages(void **state)
{
	struct flt_reader *reader = family();

	(void)state;
	assert_int_equal(resident_at(reader, 0, 1), 0);
	assert_int_equal(resident_at(reader, 0, 2), 1);
	assert_int_equal(resident_at(reader, 0, 3), 1); /* the zero page does not count */
	assert_int_equal(resident_at(reader, 1, 4), 1);
	assert_int_equal(resident_at(reader, 1, 5), 2);
	assert_int_equal(resident_at(reader, 0, 6), 1);
	assert_int_equal(resident_at(reader, 0, 7), 0);
	assert_int_equal(resident_at(reader, 0, PROC_EVENT_LAST), 0);
	flt_reader_close(reader);
}

static void test_references_before_the_event_are_made(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, rig_memory(FIRST, 8 * PAGE));
	rig_touch(&trace, 0, FIRST, ACCESS_STORE);
	written_event(
	    &trace, fault_at(FIRST + 4 * PAGE, EVENT_FAULT_WRITE)); /* does not count: there are references */
	rig_touch(&trace, 0, FIRST + PAGE, ACCESS_STORE);
	written_event(&trace, rig_call(EVENT_MUNMAP, FIRST, PAGE, 0));
	rig_touch(&trace, 0, FIRST + 2 * PAGE, ACCESS_STORE);
	reader = written_trace_open(&trace);
	assert_int_equal(resident_at(reader, 0, 1), 1);
	assert_int_equal(resident_at(reader, 0, 2), 2);
	assert_int_equal(resident_at(reader, 0, 3), 2);
	flt_reader_close(reader);
}

/* --- Identity --------------------------------------------------------------------------------------------------------------- */

static void test_what_the_recording_says(void **state)
{
	static const char maps[] =
	    "555555554000-555555555000 r--p 00000000 00:00 0 \n"
	    "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n";
	struct written_trace trace;
	struct flt_reader *reader;
	struct proc_process process;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_THREAD_START});
	written_snapshot(&trace, "maps", maps, (struct event){0});
	written_snapshot(&trace, "stat", "77 (a program) R 1 2 3 4\n", (struct event){0});
	written_snapshot(&trace, "status", "Name:\tx\nUid:\t5\t5\nState:\tR\nVmSize:\t  1 kB\n",
			 (struct event){0});
	written_event(&trace, by(0, 1, (struct event){.kind = EVENT_THREAD_START}));
	written_event(&trace, rig_memory(FIRST, PAGE));
	written_event(&trace, by(0, 1, (struct event){.kind = EVENT_THREAD_EXIT}));
	written_event(&trace, rig_memory(FIRST + PAGE, PAGE));
	reader = written_trace_open(&trace);
	struct proc_journey *journey = go(reader, 0, 6);

	process = proc_journey_process(journey, "?");
	assert_string_equal(process.name, "a program");
	assert_int_equal(process.threads, 2);
	char *text = printed(proc_status, &process);

	assert_string_equal(text, "Name:\ta program\nUid:\t5\t5\nState:\t?\nVmSize:\t     140 kB\n");
	free(text);
	text = printed(proc_stat, &process);
	assert_memory_equal(text, "? (a program) ? 1 2 3 4 ? ? 0 ? 0 ? ", 36);
	free(text);
	text = printed(proc_maps, &process);
	assert_non_null(strstr(
	    text, "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n"));
	assert_null(strstr(text, "vsyscall"));
	free(text);
	proc_journey_destroy(journey);
	journey = go(reader, 0, 8);
	assert_int_equal(proc_journey_process(journey, "?").threads, 1);
	proc_journey_destroy(journey);
	flt_reader_close(reader);
}

/* --- Contents --------------------------------------------------------------------------------------------------------------- */

static size_t give_letters(void *context, const struct open_file *file, uint64_t offset, void *buffer,
			   size_t bytes)
{
	(void)context, (void)file;
	for (size_t i = 0; i < bytes; i++)
		((char *)buffer)[i] = (char)('a' + (offset + i) % 26);
	return bytes;
}

static enum mem_end read_mem(const struct proc_process *process, struct mem_request request, char **text,
			     uint64_t *stopped)
{
	size_t bytes = 0;
	FILE *file = open_memstream(text, &bytes);
	enum mem_end end = proc_mem(process, &request, file, stopped);

	assert_int_equal(fclose(file), 0);
	return end;
}

static struct event map_file(uint64_t address, uint64_t length, uint32_t file)
{
	struct event event = rig_memory(address, length);

	event.call.flags = MAP_PRIVATE;
	event.call.file = file;
	return event;
}

/* FIRST: one page written, one never; a gap; a file of 5000 bytes over three pages, the first of them copied. */
static void test_mem(void **state)
{
	const uint64_t file_at = FIRST + 16 * PAGE;
	struct written_trace trace;
	uint64_t stopped = 0;
	char *text;

	(void)state;
	written_trace_begin(&trace);
	uint32_t file = written_file(&trace, "/tmp/a file", 7, 5000);

	written_event(&trace, rig_memory(FIRST, 2 * PAGE));
	written_event(&trace, map_file(file_at, 3 * PAGE, file));
	written_event(&trace, fault_at(FIRST, EVENT_FAULT_WRITE));
	written_event(&trace, fault_at(file_at, EVENT_FAULT_WRITE));
	struct flt_reader *reader = written_trace_open(&trace);
	struct proc_journey *journey = go(reader, 0, PROC_EVENT_LAST);
	const struct proc_process process = proc_journey_process(journey, "?");

	assert_int_equal(mem_page(&process, FIRST).kind, MEM_WRITTEN);
	assert_int_equal(mem_page(&process, FIRST + PAGE).kind, MEM_ZERO);
	assert_int_equal(mem_page(&process, FIRST + 2 * PAGE).kind, MEM_UNMAPPED);
	assert_int_equal(mem_page(&process, file_at).kind, MEM_WRITTEN);
	assert_int_equal(mem_page(&process, file_at + PAGE + 1).kind, MEM_FILE);
	assert_int_equal(mem_page(&process, file_at + PAGE).offset, PAGE);
	assert_int_equal(mem_page(&process, file_at + 2 * PAGE).kind, MEM_UNMAPPED); /* behind its end */
	assert_int_equal(mem_page(&process, UINT64_MAX).kind, MEM_UNMAPPED);

	assert_int_equal(read_mem(&process, (struct mem_request){.address = FIRST + PAGE - 2, .bytes = 3},
				  &text, &stopped),
			 MEM_DONE);
	assert_string_equal(
	    text, "7f0000000ffe: ?? ??                                             written\n"
		  "7f0000001000: 00                                                never written\n");
	free(text);
	assert_int_equal(
	    read_mem(&process,
		     (struct mem_request){.address = FIRST + PAGE, .bytes = UINT64_MAX, .is_raw = true},
		     &text, &stopped),
	    MEM_DONE);
	assert_int_equal(stopped, FIRST + 2 * PAGE);
	free(text);
	assert_int_equal(read_mem(&process, (struct mem_request){.address = FIRST + 2 * PAGE, .bytes = 1},
				  &text, &stopped),
			 MEM_EIO);
	free(text);
	assert_int_equal(read_mem(&process,
				  (struct mem_request){.address = FIRST, .bytes = 1, .is_raw = true}, &text,
				  &stopped),
			 MEM_UNKNOWN);
	free(text);
	const struct mem_files files = {give_letters, NULL};

	assert_int_equal(read_mem(&process,
				  (struct mem_request){
				      .address = file_at + PAGE, .bytes = 3, .files = files, .is_raw = true},
				  &text, &stopped),
			 MEM_DONE);
	assert_string_equal(text, "opq"); /* 4096 = 157 * 26 + 14 */
	free(text);
	proc_journey_destroy(journey);
	flt_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_life),
					   cmocka_unit_test(test_what_cannot_be_reached),
					   cmocka_unit_test(test_recorded_faults_make_pages),
					   cmocka_unit_test(test_references_before_the_event_are_made),
					   cmocka_unit_test(test_what_the_recording_says),
					   cmocka_unit_test(test_mem)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
