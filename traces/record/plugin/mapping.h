/* mapping.h: what is mapped in the program's address space, and from which files. */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_MAPPING_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_MAPPING_H

/* Writes the records of all mappings that the program begins with. The emulator's own, which share the process's addresses,
 * are left out. */
void mapping_write_all(void);

/* Writes ARENA_TEXT and ARENA_FILE for the file behind a descriptor. */
void mapping_write_file(int descriptor);

#endif
