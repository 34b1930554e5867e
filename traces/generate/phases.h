/* phases.h: a heap that fills with one size after another and keeps a few of each.
 *
 * Phase p fills heap_mib with blocks of first_bytes x growth_percent^p, then frees all of them but
 * survivor_percent, drawn at random; a marker ends each phase. The sparse survivors pin the pages of their
 * phase: what a service looks like after a day of changing load, and the reason why resident memory stays at
 * its peak.
 */
#ifndef FAULTLINE_TRACES_GENERATE_PHASES_H
#define FAULTLINE_TRACES_GENERATE_PHASES_H

#include "traces/generate/workload.h"

extern const struct workload phases_workload;

#endif
