/* list.h: doubly linked rings of members that carry their own links; the list's head is a link too.
 *
 *   head <-> first <-> second <-> ... <-> last <-> head        an empty list's head points at itself
 *
 * Invariant, proved by list_check():  I1: every link's neighbours point back at it
 */
#ifndef FAULTLINE_ENGINE_BASE_LIST_H
#define FAULTLINE_ENGINE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *previous;
};

/* The structure of `type` whose member `member` is the link. */
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define list_entry_const(link, type, member)                                                                 \
	((const type *)(const void *)((const char *)(link)-offsetof(type, member)))

static inline void list_create(struct list *head)
{
	head->next = head;
	head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Puts `link`, which is in no list, behind the head: first. */
static inline void list_push(struct list *head, struct list *link)
{
	link->next = head->next;
	link->previous = head;
	head->next->previous = link;
	head->next = link;
}

/* In front of the head: last. */
static inline void list_append(struct list *head, struct list *link)
{
	list_push(head->previous, link);
}

/* Takes `link` out; it points at itself then. */
static inline void list_remove(struct list *link)
{
	link->next->previous = link->previous;
	link->previous->next = link->next;
	list_create(link);
}

/* NULL, or the text of the invariant. Follows at most `limit` links. */
static inline const char *list_check(const struct list *head, size_t limit)
{
	const struct list *link = head;

	do {
		if (limit-- == 0 || !link->next || link->next->previous != link)
			return "I1: every link's neighbours point back at it";
		link = link->next;
	} while (link != head);
	return NULL;
}

#endif
