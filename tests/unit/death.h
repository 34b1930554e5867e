/* death.h: proves that a mistake is answered by CHECK: in a child process, by its abort and its text. */
#ifndef FAULTLINE_TESTS_UNIT_DEATH_H
#define FAULTLINE_TESTS_UNIT_DEATH_H

/* Runs function(argument) in a child; fails the running cmocka test unless the child aborts with `text` on
 * stderr. */
void assert_dies(void (*function)(void *), void *argument, const char *text);

#endif
