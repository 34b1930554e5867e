#include "config.h"

#include "engine/base/status.h"

const char *status_name(enum status status)
{
	switch (status) {
	case STATUS_OK:
		return "ok";
	case STATUS_NO_MEMORY:
		return "the host is out of memory";
	case STATUS_BAD_POLICY:
		return "unknown policy key or value";
	case STATUS_BAD_ARGUMENT:
		return "the description does not make a machine";
	case STATUS_LIMIT:
		return "beyond a limit";
	}
	return "unknown status";
}
