/* SPDX-License-Identifier: MIT */
/* DESIGN: who is at the other end, asked of the kernel only when somebody wants to know: most requests are answered
 * without. */
#include "server/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "server/connection.h"

bool tdm__client_name(const tdm__exchange *exchange, char out[TDM__CLIENT_MAX])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address;
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN];
    if (getpeername(exchange->fd, &address.any, &size))
        return false;
    if (address.any.sa_family == AF_INET && inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host))
        snprintf(out, TDM__CLIENT_MAX, "%s:%u", host, ntohs(address.v4.sin_port));
    else if (address.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host))
        snprintf(out, TDM__CLIENT_MAX, "[%s]:%u", host, ntohs(address.v6.sin6_port));
    else
        snprintf(out, TDM__CLIENT_MAX, "unix");
    return true;
}
