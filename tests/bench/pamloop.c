/*
 * Logs in through libpam again and again, in one process, and says how long it took and what was left behind.
 *
 *   pamloop SERVICE USER ROUNDS ANSWER...
 *
 * The n-th prompt of a login gets the n-th ANSWER. '#' stands for the six digits in the prompt itself. An ANSWER that starts with
 * '@' names a development inbox: the answer is the code in the next line appended to it, which is waited for. Every login must
 * succeed.
 *
 * Prints one JSON object. Times are microseconds: "auth" is pam_authenticate, "own" the same without the time spent in the
 * conversation (where a person would read and type), "cycle" all from pam_start to pam_end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 50, LINE = 4096 };

static char **answers;
static int answer_count;
static int inbox = -1;

/* Of the login under way. */
static int prompts;
static double in_conversation;

static double clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const char *why)
{
	fprintf(stderr, "pamloop: %s\n", why);
	exit(2);
}

/* Six digits with nothing of a number around them. */
static int find_code(const char *p, char *code)
{
	for (; p && *p; p++) {
		size_t n = strspn(p, "0123456789");

		if (n == 6) {
			memcpy(code, p, 6);
			code[6] = '\0';
			return 1;
		}
		if (n > 0)
			p += n - 1;
	}
	return 0;
}

/* Waits for a whole line at the end of the inbox. */
static void next_code(char *code)
{
	static char line[LINE];
	size_t have = 0;
	double deadline = clock_us() + 10e6;

	for (;;) {
		ssize_t got = read(inbox, line + have, sizeof line - 1 - have);

		if (got < 0)
			fail("cannot read the inbox");
		have += (size_t)got;
		line[have] = '\0';
		if (have > 0 && line[have - 1] == '\n') {
			/* The phone number comes before the text. */
			if (!find_code(strstr(line, "\"text\""), code))
				fail("a text without a code");
			return;
		}
		if (clock_us() > deadline)
			fail("no text came");
		if (got == 0) {
			struct timespec pause = { 0, 20000 };

			nanosleep(&pause, NULL);
		}
	}
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	double begun = clock_us();
	struct pam_response *all = calloc((size_t)count, sizeof *all);
	char code[16];

	(void)data;
	if (!all)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		int style = messages[i]->msg_style;
		const char *answer;

		if (style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON)
			continue;
		if (prompts >= answer_count)
			fail("more prompts than answers");
		answer = answers[prompts++];
		if (answer[0] == '@') {
			next_code(code);
			answer = code;
		} else if (strcmp(answer, "#") == 0) {
			if (!find_code(messages[i]->msg, code))
				fail("a prompt without a code");
			answer = code;
		}
		all[i].resp = strdup(answer);
	}
	*responses = all;
	in_conversation += clock_us() - begun;
	return PAM_SUCCESS;
}

struct times {
	double auth, own, cycle;
};

static void login(const char *service, const char *user, struct times *times)
{
	struct pam_conv conversation = { converse, NULL };
	pam_handle_t *handle = NULL;
	double begun, asked, answered;
	int result;

	prompts = 0;
	in_conversation = 0;
	begun = clock_us();
	result = pam_start(service, user, &conversation, &handle);
	if (result != PAM_SUCCESS)
		fail("pam_start");
	pam_set_item(handle, PAM_RHOST, "192.0.2.7");
	asked = clock_us();
	result = pam_authenticate(handle, 0);
	answered = clock_us();
	if (result != PAM_SUCCESS)
		fail(pam_strerror(handle, result));
	pam_end(handle, result);
	times->cycle = clock_us() - begun;
	times->auth = answered - asked;
	times->own = times->auth - in_conversation;
}

/* Entries of a directory, . and .. included. */
static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

struct left {
	int descriptors, threads;
	size_t heap;
	long resident;
};

static struct left look(void)
{
	struct left left = { .descriptors = entries("/proc/self/fd"), .threads = entries("/proc/self/task") };
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file) {
		if (fscanf(file, "%ld %ld", &size, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	left.resident = resident * (sysconf(_SC_PAGESIZE) / 1024);
	left.heap = mallinfo2().uordblks;
	return left;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void show(const char *name, double *values, long count)
{
	qsort(values, (size_t)count, sizeof *values, by_size);
	printf("\"%s\":{\"p50\":%.1f,\"p99\":%.1f},", name, values[(count - 1) / 2], values[(count - 1) * 99 / 100]);
}

int main(int argc, char **argv)
{
	struct times times;
	struct left before, after;
	double *auth, *own, *cycle;
	long rounds;

	if (argc < 5 || (rounds = atol(argv[3])) < 1) {
		fprintf(stderr, "usage: pamloop SERVICE USER ROUNDS ANSWER...\n");
		return 2;
	}
	answers = argv + 4;
	answer_count = argc - 4;
	for (int i = 0; i < answer_count; i++) {
		if (answers[i][0] == '@') {
			inbox = open(answers[i] + 1, O_RDONLY | O_CLOEXEC);
			if (inbox < 0 || lseek(inbox, 0, SEEK_END) < 0)
				fail("cannot open the inbox");
		}
	}
	auth = calloc((size_t)rounds, sizeof *auth);
	own = calloc((size_t)rounds, sizeof *own);
	cycle = calloc((size_t)rounds, sizeof *cycle);
	if (!auth || !own || !cycle)
		fail("out of memory");
	for (int i = 0; i < WARM_UP; i++)
		login(argv[1], argv[2], &times);
	/* Twice: what the first look allocates for itself is not the module's. */
	look();
	before = look();
	for (long i = 0; i < rounds; i++) {
		login(argv[1], argv[2], &times);
		auth[i] = times.auth;
		own[i] = times.own;
		cycle[i] = times.cycle;
	}
	after = look();
	printf("{");
	show("auth", auth, rounds);
	show("own", own, rounds);
	show("cycle", cycle, rounds);
	printf("\"rounds\":%ld,\"descriptors\":%d,\"threads\":%d,\"heap\":%ld,\"resident\":%ld}\n", rounds,
	       after.descriptors - before.descriptors, after.threads - before.threads,
	       (long)after.heap - (long)before.heap, after.resident - before.resident);
	return 0;
}
