/* SPDX-License-Identifier: MIT */
/* Where a server can listen: IPv6, a Unix socket, a socket that a supervisor passed on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/http.h"

static char directory[] = "/tmp/tandem-listen-XXXXXX";
static char path[64];
static atomic_int cancelled;

static int get_wait(tdm_request *req)
{
    cancelled = -tdm_sleep(HTTP_PATIENCE_S);
    return tdm_reply_empty(req, 204);
}

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
    ck_assert_int_eq(tdm_app_get(app, "/wait", get_wait), 0);
}

static void make_path(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/socket", directory);
}

static void remove_path(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static bool is_there(void)
{
    struct stat there;
    return lstat(path, &there) == 0;
}

START_TEST(a_server_listens_on_ipv6)
{
    tdm_app *app = http_app(&(tdm_app_options){.host = "::1", .executor = {.loops = 2}}, add_routes);
    ck_assert_msg(strncmp(tdm_app_url(app), "http://[::1]:", 13) == 0, "%s", tdm_app_url(app));
    http_expect(tdm_app_url(app), "GET", "/", 200, "hello");
    http_app_end(app);
}
END_TEST

/* What the kernel says of this process's listening sockets: the smallest of their backlogs. */
static unsigned backlog_here(unsigned *count)
{
    unsigned least = UINT_MAX;
    *count = 0;
    for (int fd = 0; fd < 256; fd++) {
        int listens = 0;
        struct tcp_info info;
        socklen_t size = sizeof listens, info_size = sizeof info;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens)
            continue;
        ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size), 0);
        least = info.tcpi_sacked < least ? info.tcpi_sacked : least;
        ++*count;
    }
    return least;
}

START_TEST(each_listening_socket_has_the_backlog)
{
    unsigned most = 0, count;
    FILE *file = fopen("/proc/sys/net/core/somaxconn", "r");
    ck_assert(file && fscanf(file, "%u", &most) == 1);
    fclose(file);
    for (unsigned backlog = 0; backlog <= 7; backlog += 7) {
        tdm_app *app = http_app(&(tdm_app_options){.backlog = backlog, .executor = {.loops = 2}}, add_routes);
        unsigned wanted = backlog ? backlog : 4096;
        ck_assert_uint_eq(backlog_here(&count), wanted < most ? wanted : most);
        ck_assert_uint_eq(count, 2);
        http_app_end(app);
    }
}
END_TEST

static void serve_on_unix(unsigned loops, unsigned mode)
{
    char url[80];
    struct stat made;
    tdm_app *app =
        http_app(&(tdm_app_options){.unix_path = path, .unix_mode = mode, .executor = {.loops = loops}}, add_routes);
    snprintf(url, sizeof url, "unix:%s", path);
    ck_assert_str_eq(tdm_app_url(app), url);
    ck_assert_int_eq(lstat(path, &made), 0);
    ck_assert(S_ISSOCK(made.st_mode));
    ck_assert_uint_eq(made.st_mode & 0777, mode ? mode : 0660);
    for (int i = 0; i < 20; i++)
        http_expect(url, "GET", "/", 200, "hello");
    http_connection c;
    http_connect(&c, url);
    for (int i = 0; i < 3; i++) {
        http_ask(&c, "GET", "/", NULL);
        http_reply reply = http_read(&c, false);
        ck_assert_str_eq(reply.body, "hello");
        http_reply_finish(&reply);
    }
    http_disconnect(&c);
    http_app_end(app);
    ck_assert(!is_there());
}

START_TEST(a_unix_socket_has_its_mode_and_is_gone_after_the_stop)
{
    make_path();
    umask(077);
    serve_on_unix(1, 0);
    serve_on_unix(3, 0622);
    remove_path();
}
END_TEST

START_TEST(a_client_that_hangs_up_a_unix_socket_has_left)
{
    make_path();
    tdm_app *app = http_app(&(tdm_app_options){.unix_path = path}, add_routes);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "GET", "/wait", NULL);
    tdm_app_stats stats;
    do
        tdm_app_stats_get(app, &stats);
    while (stats.requests == 0);
    http_disconnect(&c);
    http_wait_for(&cancelled, ECANCELED);
    http_app_end(app);
    remove_path();
}
END_TEST

static int bind_here(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

START_TEST(a_socket_that_a_dead_server_left_is_replaced)
{
    make_path();
    close(bind_here());
    serve_on_unix(1, 0600);
    remove_path();
}
END_TEST

static int start_second(void)
{
    tdm_app *app;
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.unix_path = path, .transport = http_transport()}), 0);
    int err = tdm_app_start(app);
    ck_assert_int_eq(tdm_app_destroy(&app), 0);
    return err;
}

START_TEST(a_path_that_is_in_use_or_no_socket_is_left_alone)
{
    make_path();
    tdm_app *app = http_app(&(tdm_app_options){.unix_path = path}, add_routes);
    ck_assert_int_eq(start_second(), -EADDRINUSE);
    http_expect(tdm_app_url(app), "GET", "/", 200, "hello");
    unlink(path); /* somebody else puts his own there: ours is not taken away for it */
    int other = bind_here();
    http_app_end(app);
    ck_assert(is_there());
    close(other);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(start_second(), -EEXIST);
    ck_assert(is_there());
    remove_path();
    char longer[200];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    tdm_app *none;
    ck_assert_int_eq(tdm_app_create(&none, &(tdm_app_options){.unix_path = longer}), 0);
    ck_assert_int_eq(tdm_app_start(none), -ENAMETOOLONG);
    ck_assert_int_eq(tdm_app_destroy(&none), 0);
}
END_TEST

/* ---- a supervisor ---- */

static int listen_here(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, size), 0);
    ck_assert_int_eq(listen(fd, 100), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &address, &size), 0);
    snprintf(url, 64, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

/* tandemd with `fd` as descriptor 3, as systemd would start it. @param own_pid LISTEN_PID is right. */
static pid_t start_with(int fd, const char *count, bool own_pid)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid)
        return pid;
    char number[24], program[] = "tandemd", inherit[] = "--inherit", loops[] = "--loops", two[] = "2";
    snprintf(number, sizeof number, "%d", own_pid ? (int) getpid() : 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (fd == 3)
        fcntl(fd, F_SETFD, 0);
    else
        dup2(fd, 3);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_PID", number, 1);
    const char *server = getenv("TANDEMD");
    if (server)
        execv(server, (char *[]){program, inherit, loops, two, NULL});
    _exit(126);
}

static int status_of(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(an_inherited_socket_serves_process_after_process_and_no_client_is_lost)
{
    char url[64];
    int fd = listen_here(url);
    for (int i = 0; i < 3; i++) {
        http_connection early; /* connects before there is a server */
        http_connect(&early, url);
        http_ask(&early, "GET", "/health", NULL);
        pid_t pid = start_with(fd, "1", true);
        http_reply reply = http_read(&early, false);
        ck_assert_int_eq(reply.status, 200);
        http_reply_finish(&reply);
        http_disconnect(&early);
        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        ck_assert_int_eq(status_of(pid), 0);
    }
    close(fd);
}
END_TEST

START_TEST(what_was_not_passed_right_is_refused)
{
    char url[64];
    int fd = listen_here(url), no_socket = open("/dev/null", O_RDONLY), unheard = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(status_of(start_with(fd, "2", true)), 1);
    ck_assert_int_eq(status_of(start_with(fd, "", true)), 1);
    ck_assert_int_eq(status_of(start_with(fd, "1", false)), 1);
    ck_assert_int_eq(status_of(start_with(no_socket, "1", true)), 1);
    ck_assert_int_eq(status_of(start_with(unheard, "1", true)), 1);
    close(fd);
    close(no_socket);
    close(unheard);
}
END_TEST

int main(void)
{
    return http_main("listen", (const TTest *const[]){
                                   a_server_listens_on_ipv6,
                                   each_listening_socket_has_the_backlog,
                                   a_unix_socket_has_its_mode_and_is_gone_after_the_stop,
                                   a_client_that_hangs_up_a_unix_socket_has_left,
                                   a_socket_that_a_dead_server_left_is_replaced,
                                   a_path_that_is_in_use_or_no_socket_is_left_alone,
                                   an_inherited_socket_serves_process_after_process_and_no_client_is_lost,
                                   what_was_not_passed_right_is_refused,
                                   NULL,
                               });
}
