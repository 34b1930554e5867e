/* error.h: what traces/ says when input is bad or the outside world fails.
 *
 * A function that can fail returns an enum trace_status and, unless it is TRACE_OK or TRACE_END, leaves one finished
 * sentence in the struct trace_error it was given: file, line or event number, what was wrong, what would be right. Only
 * bench/ prints it.
 */
#ifndef FAULTLINE_TRACES_ERROR_H
#define FAULTLINE_TRACES_ERROR_H

#define TRACE_MUST_USE __attribute__((warn_unused_result))

enum trace_status {
	TRACE_OK = 0,
	TRACE_END,	 /* no more events; not an error, the message is untouched */
	TRACE_BAD_INPUT, /* the bytes do not make a trace */
	TRACE_IO,	 /* the system refused to open, read or write */
	TRACE_NO_MEMORY,
	TRACE_UNSUPPORTED, /* a format or version this build cannot handle */
};

struct trace_error {
	char message[1024];
};

/* Stores the printf-formatted sentence (cut at the size of the message) and returns `status`, so that a caller can write
 * `return trace_fail(error, TRACE_IO, ...)`. `error` may be NULL. */
enum trace_status trace_fail(struct trace_error *error, enum trace_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "NAME: " in front of the message unless it begins with NAME already; returns `status`. For those who know the file
 * of an error that was found where only its events are known. */
enum trace_status trace_fail_in(struct trace_error *error, enum trace_status status, const char *name);

#endif
