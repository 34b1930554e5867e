/* status.h: how an engine function says that the outside world (not the program) failed it.
 *
 * A bug is not a status: CHECK (check.h) aborts. A simulated out-of-memory is not one either: it is a counted result.
 */
#ifndef FAULTLINE_ENGINE_BASE_STATUS_H
#define FAULTLINE_ENGINE_BASE_STATUS_H

#define MUST_USE __attribute__((warn_unused_result))

enum status {
	STATUS_OK = 0,
	STATUS_NO_MEMORY,    /* the host gave no memory for metadata or backing */
	STATUS_BAD_POLICY,   /* a policy key or value that does not exist */
	STATUS_BAD_ARGUMENT, /* a description (sizes, ranges) that describes no machine */
	STATUS_LIMIT,	     /* the request is beyond a documented bound */
};

/* The status in words, lower case, no full stop. Never NULL. */
const char *status_name(enum status status);

#endif
