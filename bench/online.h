/* online.h: a recording's events and references, straight into simulated address spaces and MMUs: no file between.
 *
 *   session ── events ───────▶ books and tables (flt_register.h) ──▶ spaces_next_event      ┐
 *      ├────── regions, files ▶ spaces_grow                                                 ├──▶ a pass (mmu_pass.h)
 *      └────── references ────▶ a block (flt_access.h) ────────────▶ spaces_next_references ┘
 *
 * References are collected in blocks of the length that a file's have, each run of them carried out before the event that follows it;
 * so the figures are, to the byte, those that replaying a file of the same recording brings.
 */
#ifndef FAULTLINE_BENCH_ONLINE_H
#define FAULTLINE_BENCH_ONLINE_H

#include "bench/mmu_pass.h"
#include "traces/record/access_output.h"

struct online;

/* A pass with these options (but for their trace), fed by what online_output says. The options' arrays must stay until the end. */
enum trace_status online_create(struct online **online, const struct mmu_pass_options *options,
				struct trace_error *error) TRACE_MUST_USE;

/* Where a recorder puts its events and references. */
struct access_output online_output(struct online *online);

/* That was all. The pass is the caller's (mmu_pass_destroy). */
enum trace_status online_finish(struct online *online, struct mmu_pass **pass,
				struct trace_error *error) TRACE_MUST_USE;

/* What the footer of a file would say, but for what only a file has: bytes, hash, description. Valid until online_destroy. */
const struct flt_summary *online_summary(struct online *online);

void online_destroy(struct online *online);

#endif
