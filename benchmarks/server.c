/* A provider that is never the bottleneck: Telegram- and Twilio-shaped answers.
 *
 * One thread, one epoll. It reads no more of a request than it must, answers from
 * templates made at the start, and counts on the side. Options:
 *
 *   --core N          run on this core only
 *   --delay MS        answer this long after the request has come in (default 0)
 *   --limit N         strict window: at most N messages in any second, else 429
 *   --cert F --key F  speak TLS (built with -DWITH_TLS)
 *
 * A message is counted at a random moment between its request and its answer, as a
 * network would have it: who paces by the moment of sending alone is found out.
 *
 * Prints its port. GET /stats?from=S&to=S answers with what it has counted; S are
 * seconds since the first message was accepted. Ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

enum { MOST = 65536, BUFFER = 32768, ANSWER = 4096, EVENTS = 256 };
enum kind { OTHER, TELEGRAM, TWILIO, POLL, ME, LIST, STATS };
enum what { COUNT, REPLY };

#define SECOND 1000000000LL
#define LONG_POLL (20 * SECOND)

typedef struct {
    int fd;
    unsigned generation; /* tells a connection from the next one with its number */
    int busy, verdict;
    enum kind kind;
    size_t in, out, sent;
    char input[BUFFER + 1], output[ANSWER];
#ifdef WITH_TLS
    SSL *ssl;
#endif
} Connection;

typedef struct {
    int64_t at;
    int fd;
    unsigned generation;
    enum what what;
} Event;

static Connection *connections[MOST];
static unsigned generations[MOST];
static Event *heap;
static size_t waiting, room;
static int epoll, listener, timer;
static int64_t delay, limit;
static int64_t *accepted; /* when each message was, in order */
static size_t count, kept;
static uint64_t refused, odd;
static char telegram[ANSWER], twilio[ANSWER];
static size_t telegram_length, twilio_length, telegram_digits, twilio_digits;
static uint64_t random_state = 88172645463325252ULL;
#ifdef WITH_TLS
static SSL_CTX *tls;
#endif

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static double fraction(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

/* --- what is due later ------------------------------------------------------- */

static void arm(void) {
    struct itimerspec at = {0};
    if (waiting) {
        at.it_value.tv_sec = heap[0].at / SECOND;
        at.it_value.tv_nsec = heap[0].at % SECOND;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void later(int64_t at, Connection *c, enum what what) {
    if (waiting == room) {
        room = room ? room * 2 : 1024;
        heap = realloc(heap, room * sizeof *heap);
        if (!heap) die("memory");
    }
    size_t i = waiting++;
    while (i && heap[(i - 1) / 2].at > at) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = (Event){at, c->fd, c->generation, what};
    if (!i) arm();
}

static Event first(void) {
    Event top = heap[0], last = heap[--waiting];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= waiting) break;
        if (child + 1 < waiting && heap[child + 1].at < heap[child].at) child++;
        if (heap[child].at >= last.at) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* --- connections ------------------------------------------------------------- */

static void drop(Connection *c) {
#ifdef WITH_TLS
    if (c->ssl) SSL_free(c->ssl);
#endif
    connections[c->fd] = NULL;
    close(c->fd);
    free(c);
}

static void watch(Connection *c, uint32_t events) {
    struct epoll_event e = {.events = events, .data.fd = c->fd};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/* Bytes read or written; 0 not now; -1 it is over. */
static ssize_t move(Connection *c, int writing, char *data, size_t length) {
    ssize_t n;
#ifdef WITH_TLS
    if (c->ssl) {
        int m = writing ? SSL_write(c->ssl, data, (int)length)
                        : SSL_read(c->ssl, data, (int)length);
        if (m > 0) return m;
        int why = SSL_get_error(c->ssl, m);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
#endif
    n = writing ? write(c->fd, data, length) : read(c->fd, data, length);
    if (n > 0) return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Whether the connection still stands. */
static int flush(Connection *c) {
    while (c->sent < c->out) {
        ssize_t n = move(c, 1, c->output + c->sent, c->out - c->sent);
        if (n < 0) {
            drop(c);
            return 0;
        }
        if (!n) {
            watch(c, EPOLLIN | EPOLLOUT);
            return 1;
        }
        c->sent += (size_t)n;
    }
    c->out = c->sent = 0;
    c->busy = 0;
    return 1;
}

static void words(Connection *c, const char *status, const char *body) {
    c->out = (size_t)snprintf(
        c->output, ANSWER,
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        status, strlen(body), body);
}

/* --- answers ----------------------------------------------------------------- */

static size_t template(char *into, const char *status, const char *body) {
    return (size_t)snprintf(into, ANSWER,
                            "HTTP/1.1 %s\r\nServer: bench\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: %zu\r\nConnection: keep-alive\r\n\r\n%s",
                            status, strlen(body), body);
}

static void make_templates(void) {
    char text[800], body[ANSWER];
    memset(text, 0, sizeof text);
    while (strlen(text) < 760)
        strcat(text, "The pass was opened on Friday after nine days of snow. ");
    snprintf(
        body, sizeof body,
        "{\"ok\":true,\"result\":{\"message_id\":0000000000,\"from\":{\"id\":123456789,"
        "\"is_bot\":true,\"first_name\":\"Bench\",\"username\":\"bench_bot\"},"
        "\"chat\":{\"id\":-1001234567890,\"title\":\"Readers of the valley\","
        "\"username\":\"valley_readers\",\"type\":\"supergroup\"},\"date\":1795000000,"
        "\"text\":\"%s\",\"entities\":["
        "{\"offset\":0,\"length\":32,\"type\":\"bold\"},"
        "{\"offset\":60,\"length\":12,\"type\":\"italic\"},"
        "{\"offset\":120,\"length\":20,\"type\":\"text_link\","
        "\"url\":\"https://news.example/valley/the-pass-is-open\"},"
        "{\"offset\":400,\"length\":25,\"type\":\"text_link\","
        "\"url\":\"https://news.example/valley/nine-days-of-snow\"},"
        "{\"offset\":700,\"length\":18,\"type\":\"blockquote\"}],"
        "\"link_preview_options\":{\"url\":\"https://news.example/valley\","
        "\"prefer_large_media\":true,\"show_above_text\":false}}}",
        text);
    telegram_length = template(telegram, "200 OK", body);
    telegram_digits = (size_t)(strstr(telegram, "message_id\":") - telegram) + 12;
    snprintf(
        body, sizeof body,
        "{\"account_sid\":\"AC00000000000000000000000000000001\",\"api_version\":"
        "\"2010-04-01\",\"body\":\"%s\",\"date_created\":"
        "\"Sun, 22 Nov 2026 06:30:00 +0000\",\"date_sent\":null,\"date_updated\":"
        "\"Sun, 22 Nov 2026 06:30:00 +0000\",\"direction\":\"outbound-api\","
        "\"error_code\":null,\"error_message\":null,\"from\":\"whatsapp:+15550000001\","
        "\"messaging_service_sid\":null,\"num_media\":\"0\",\"num_segments\":\"1\","
        "\"price\":null,\"price_unit\":null,\"sid\":"
        "\"SM00000000000000000000000000000000\",\"status\":\"queued\","
        "\"subresource_uris\":{},\"to\":\"whatsapp:+15550000002\",\"uri\":"
        "\"/2010-04-01/Accounts/AC0/Messages/SM0.json\"}",
        text);
    twilio_length = template(twilio, "201 CREATED", body);
    twilio_digits = (size_t)(strstr(twilio, "\"SM0000") - twilio) + 3 + 22;
}

static void number(char *at, uint64_t value) {
    for (int i = 9; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
}

/* Where in *accepted* the first moment not before `at` stands. */
static size_t place(int64_t at) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (accepted[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void stats(Connection *c) {
    double from = 0, to = 1e9;
    char body[1024], *at;
    struct rusage used;
    size_t worst = 0;
    if ((at = strstr(c->input, "from="))) from = atof(at + 5);
    if ((at = strstr(c->input, "to="))) to = atof(at + 3);
    getrusage(RUSAGE_SELF, &used);
    int64_t begun = count ? accepted[0] : 0;
    size_t within = count ? place(begun + (int64_t)(to * 1e9)) -
                                place(begun + (int64_t)(from * 1e9))
                          : 0;
    if (strstr(c->input, "worst="))
        for (size_t first = 0, last = 0; last < count; last++) {
            while (accepted[last] - accepted[first] >= SECOND) first++;
            if (last - first + 1 > worst) worst = last - first + 1;
        }
    snprintf(body, sizeof body,
             "{\"accepted\":%zu,\"refused\":%llu,\"odd\":%llu,\"within\":%zu,"
             "\"worst_second\":%zu,\"since_first\":%.6f,\"first_to_last\":%.6f,"
             "\"cpu_seconds\":%.6f}",
             count, (unsigned long long)refused, (unsigned long long)odd, within, worst,
             count ? (double)(now() - begun) / 1e9 : 0.0,
             count ? (double)(accepted[count - 1] - begun) / 1e9 : 0.0,
             (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    words(c, "200 OK", body);
}

/* Whether a message of this moment fits the window; if so it is counted. */
static int fits(int64_t moment) {
    if (limit && count >= (size_t)limit &&
        moment - accepted[count - (size_t)limit] < SECOND) {
        refused++;
        return 0;
    }
    if (count == kept) {
        kept = kept ? kept * 2 : 65536;
        accepted = realloc(accepted, kept * sizeof *accepted);
        if (!accepted) die("memory");
    }
    accepted[count++] = moment;
    return 1;
}

static void answer(Connection *c) {
    switch (c->kind) {
    case TELEGRAM:
    case TWILIO:
        if (!c->verdict)
            words(c, "429 Too Many Requests",
                  "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests:"
                  " retry after 1\",\"parameters\":{\"retry_after\":1}}");
        else if (c->kind == TELEGRAM) {
            memcpy(c->output, telegram, c->out = telegram_length);
            number(c->output + telegram_digits, 1000000000ULL + (uint64_t)c->verdict);
        } else {
            memcpy(c->output, twilio, c->out = twilio_length);
            number(c->output + twilio_digits, (uint64_t)c->verdict);
        }
        break;
    case ME:
        words(c, "200 OK",
              "{\"ok\":true,\"result\":{\"id\":123456789,\"is_bot\":true,\"first_name\":"
              "\"Bench\",\"username\":\"bench_bot\",\"can_join_groups\":true,"
              "\"can_read_all_group_messages\":false,\"supports_inline_queries\":false}}");
        break;
    case POLL:
        words(c, "200 OK", "{\"ok\":true,\"result\":[]}");
        break;
    case LIST:
        words(c, "200 OK",
              "{\"messages\":[],\"end\":0,\"start\":0,\"page\":0,\"page_size\":50,"
              "\"next_page_uri\":null,\"previous_page_uri\":null,\"uri\":\"\"}");
        break;
    case STATS:
        stats(c);
        break;
    case OTHER:
        words(c, "200 OK", "{\"ok\":true,\"result\":true}");
    }
}

/* --- requests ---------------------------------------------------------------- */

static enum kind kind_of(const char *line, size_t length) {
    int posted = !strncmp(line, "POST ", 5);
    if (!strncmp(line, "GET /stats", 10)) return STATS;
    if (memmem(line, length, "/sendMessage", 12)) return TELEGRAM;
    if (memmem(line, length, "/Messages.json", 14)) return posted ? TWILIO : LIST;
    if (memmem(line, length, "/getUpdates", 11)) return POLL;
    if (memmem(line, length, "/getMe", 6)) return ME;
    return OTHER;
}

/* The length of the first request in the input; 0 while it is not whole. */
static size_t whole(Connection *c) {
    char *end = memmem(c->input, c->in, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = (size_t)(end - c->input) + 4, body = 0;
    for (char *line = c->input; line < end;) {
        if (!strncasecmp(line, "Content-Length:", 15)) body = strtoul(line + 15, 0, 10);
        if (!strncasecmp(line, "Transfer-Encoding:", 18)) odd++;
        char *next = memchr(line, '\n', (size_t)(end + 2 - line));
        if (!next) break;
        line = next + 1;
    }
    return head + body <= c->in ? head + body : 0;
}

static void serve(Connection *c) {
    size_t length;
    while (!c->busy && (length = whole(c))) {
        char *line = memchr(c->input, '\n', length);
        c->kind = kind_of(c->input, (size_t)(line - c->input));
        c->busy = 1;
        int message = c->kind == TELEGRAM || c->kind == TWILIO;
        int wait = (message && delay) || c->kind == POLL;
        if (!wait) {
            c->verdict = message && fits(now()) ? (int)count : 0;
            c->input[c->in] = 0;
            answer(c);
        } else {
            int64_t at = now();
            if (message) later(at + (int64_t)((double)delay * fraction()), c, COUNT);
            later(at + (message ? delay : LONG_POLL), c, REPLY);
        }
        c->in -= length;
        memmove(c->input, c->input + length, c->in);
        if (!wait && !flush(c)) return;
    }
}

static void on_input(Connection *c) {
    for (;;) {
        if (c->in == BUFFER) {
            odd++;
            drop(c);
            return;
        }
        size_t space = BUFFER - c->in;
        ssize_t n = move(c, 0, c->input + c->in, space);
        if (n < 0) {
            drop(c);
            return;
        }
        if (!n) break;
        c->in += (size_t)n;
#ifdef WITH_TLS
        if (c->ssl) continue;
#endif
        if ((size_t)n < space) break;
    }
    c->input[c->in] = 0;
    serve(c);
}

static void on_timer(void) {
    uint64_t times;
    if (read(timer, &times, sizeof times) < 0 && errno != EAGAIN) die("timer");
    int64_t moment = now();
    while (waiting && heap[0].at <= moment) {
        Event e = first();
        Connection *c = connections[e.fd];
        if (!c || c->generation != e.generation) continue;
        if (e.what == COUNT) {
            c->verdict = fits(now()) ? (int)count : 0;
        } else {
            answer(c);
            if (flush(c)) serve(c);
        }
    }
    arm();
}

static void on_listener(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0) return;
        if (fd >= MOST) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Connection *c = calloc(1, sizeof *c);
        if (!c) die("memory");
        c->fd = fd;
        c->generation = ++generations[fd];
#ifdef WITH_TLS
        if (tls) {
            c->ssl = SSL_new(tls);
            SSL_set_fd(c->ssl, fd);
            SSL_set_accept_state(c->ssl);
        }
#endif
        connections[fd] = c;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
    }
}

static void listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) ||
        listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &length))
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void add(int fd) {
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e)) die("epoll");
}

static void options(int argc, char **argv) {
    const char *cert = NULL, *key = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--core")) {
            cpu_set_t cores;
            CPU_ZERO(&cores);
            CPU_SET(atoi(argv[i + 1]), &cores);
            sched_setaffinity(0, sizeof cores, &cores);
        } else if (!strcmp(argv[i], "--delay")) {
            delay = (int64_t)(atof(argv[i + 1]) * 1e6);
        } else if (!strcmp(argv[i], "--limit")) {
            limit = atoll(argv[i + 1]);
        } else if (!strcmp(argv[i], "--cert")) {
            cert = argv[i + 1];
        } else if (!strcmp(argv[i], "--key")) {
            key = argv[i + 1];
        }
    }
    if (!cert || !key) return;
#ifdef WITH_TLS
    tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "the certificate or its key cannot be used\n");
        exit(1);
    }
#else
    fprintf(stderr, "built without TLS\n");
    exit(1);
#endif
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    options(argc, argv);
    make_templates();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    listen_on_loopback();
    add(listener);
    add(timer);
    add(STDIN_FILENO);
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            Connection *c = connections[fd];
            if (fd == STDIN_FILENO) return 0;
            if (fd == listener) {
                on_listener();
            } else if (fd == timer) {
                on_timer();
            } else if (c && c->out) {
                watch(c, EPOLLIN);
                if (flush(c)) serve(c);
            } else if (c) {
                on_input(c);
            }
        }
    }
}
