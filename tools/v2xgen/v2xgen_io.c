// SPDX-License-Identifier: BSD-3-Clause
/* Sockets, schedule and files of v2xgen; see v2xgen_io.h. */
#include "tools/v2xgen/v2xgen_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/util/cleanup.h"

enum {
	RECEIVE_BUFFER = 1 << 20,
	PCAP_MAGIC_US = 0xa1b2c3d4,
	PCAP_MAGIC_NS = 0xa1b23c4d,
	PCAP_ETHERNET = 1,
	PCAP_SIZE_MAX = 64 << 20,
	PCAP_SNAPSHOT = 65535,
};

#define NS_PER_S 1000000000ull

struct pcap_file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snapshot, link_type;
};

struct pcap_frame_header {
	uint32_t seconds, fraction, captured, length;
};

_Static_assert(sizeof(struct pcap_file_header) == 24, "pcap file format");
_Static_assert(sizeof(struct pcap_frame_header) == 16, "pcap file format");

/* Index and MAC of @interface, which must look like Ethernet (an OCB radio does). */
static int look_up(int fd, const char *interface, struct cpc_v2x_link *link,
		   struct cpc_error *error)
{
	struct ifreq request = { 0 };

	if (interface[0] == '\0' || strlen(interface) >= sizeof(request.ifr_name)) {
		cpc_error_set(error, "interface '%.40s': not the name of one", interface);
		return -EINVAL;
	}
	strcpy(request.ifr_name, interface);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0) {
		cpc_error_set(error, "interface '%s': %s", interface, strerror(errno));
		return -errno;
	}
	link->interface = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0) {
		cpc_error_set(error, "interface '%s': %s", interface, strerror(errno));
		return -errno;
	}
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		cpc_error_set(error, "interface '%s': not Ethernet (hardware type %d)", interface,
			      request.ifr_hwaddr.sa_family);
		return -EMEDIUMTYPE;
	}
	memcpy(link->mac, request.ifr_hwaddr.sa_data, sizeof(link->mac));
	return 0;
}

/* A packet socket bound to @interface for @protocol (0: it receives nothing). */
static int open_link(const char *interface, uint16_t protocol, struct cpc_v2x_link *ret_link,
		     struct cpc_error *error)
{
	CPC_CLOSE int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	struct cpc_v2x_link link = { 0 };
	int r;

	if (fd < 0) {
		cpc_error_set(error, "packet socket: %s%s", strerror(errno),
			      errno == EPERM ? " (it needs CAP_NET_RAW)" : "");
		return -errno;
	}
	r = look_up(fd, interface, &link, error);
	if (r < 0)
		return r;
	address.sll_ifindex = link.interface;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		cpc_error_set(error, "interface '%s': bind: %s", interface, strerror(errno));
		return -errno;
	}
	link.fd = CPC_TAKE_FD(fd);
	*ret_link = link;
	return 0;
}

int cpc_v2x_open_sender(const char *interface, struct cpc_v2x_link *ret_link,
			struct cpc_error *error)
{
	struct ifreq request = { 0 };
	struct cpc_v2x_link link;
	int r = open_link(interface, 0, &link, error);

	if (r < 0)
		return r;
	strcpy(request.ifr_name, interface);
	if (ioctl(link.fd, SIOCGIFFLAGS, &request) < 0 || !(request.ifr_flags & IFF_UP)) {
		cpc_error_set(error, "interface '%s': is down; ip link set %s up", interface,
			      interface);
		close(link.fd);
		return -ENETDOWN;
	}
	*ret_link = link;
	return 0;
}

int cpc_v2x_open_receiver(const char *interface, uint16_t ethertype, struct cpc_v2x_link *ret_link,
			  struct cpc_error *error)
{
	int r = open_link(interface, ethertype, ret_link, error);
	int size = RECEIVE_BUFFER;

	if (r == 0) /* the system's limit holds; a smaller buffer is no failure */
		(void)setsockopt(ret_link->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return r;
}

int cpc_v2x_send(const struct cpc_v2x_link *link, const uint8_t *data, size_t size)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = link->interface,
		.sll_halen = ETH_ALEN,
	};

	/* skb->protocol comes from here; hooks tell V2X frames by it. */
	memcpy(&address.sll_protocol, data + 2 * ETH_ALEN, sizeof(address.sll_protocol));
	memcpy(address.sll_addr, data, ETH_ALEN);
	if (sendto(link->fd, data, size, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

uint64_t cpc_v2x_receiver_drops(const struct cpc_v2x_link *link)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);

	if (getsockopt(link->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return 0;
	return stats.tp_drops;
}

uint64_t cpc_v2x_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t cpc_v2x_realtime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int cpc_v2x_open_schedule(uint64_t period_ns, int64_t phase_ns, uint64_t *ret_first_ns,
			  int *ret_fd, struct cpc_error *error)
{
	CPC_CLOSE int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	uint64_t first_ns = cpc_v2x_monotonic_ns();
	struct itimerspec timer = {
		.it_interval = { (time_t)(period_ns / NS_PER_S), (long)(period_ns % NS_PER_S) },
	};

	if (phase_ns >= 0)
		first_ns = (first_ns / period_ns + 1) * period_ns + (uint64_t)phase_ns % period_ns;
	timer.it_value.tv_sec = (time_t)(first_ns / NS_PER_S);
	timer.it_value.tv_nsec = (long)(first_ns % NS_PER_S);
	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0) {
		cpc_error_set(error, "timer: %s", strerror(errno));
		return -errno;
	}
	*ret_first_ns = first_ns;
	*ret_fd = CPC_TAKE_FD(fd);
	return 0;
}

int cpc_v2x_realtime(struct cpc_error *error)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &lowest) < 0) {
		cpc_error_set(error, "--realtime: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

int cpc_v2x_open_stop(int *ret_fd, struct cpc_error *error)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		cpc_error_set(error, "signals: %s", strerror(errno));
		return -errno;
	}
	*ret_fd = fd;
	return 0;
}

int cpc_v2x_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_size,
		      struct cpc_error *error)
{
	CPC_FCLOSE FILE *file = fopen(path, "re");
	CPC_FREE char *data = NULL;
	size_t size = 0, capacity = 0;

	if (!file) {
		cpc_error_set(error, "file '%s': %s", path, strerror(errno));
		return -errno;
	}
	do {
		if (size == capacity) {
			char *larger = realloc(data, capacity = capacity ? 2 * capacity : 65536);

			if (!larger)
				return -ENOMEM;
			data = larger;
		}
		size += fread(data + size, 1, capacity - size, file);
	} while (size <= limit && !feof(file) && !ferror(file));
	if (ferror(file)) {
		cpc_error_set(error, "file '%s': cannot be read", path);
		return -EIO;
	}
	if (size > limit) {
		cpc_error_set(error, "file '%s': larger than %zu bytes", path, limit);
		return -EFBIG;
	}
	*ret_data = CPC_TAKE(data);
	*ret_size = size;
	return 0;
}

int cpc_v2x_pcap_create(const char *path, FILE **ret_file, struct cpc_error *error)
{
	const struct pcap_file_header header = {
		.magic = PCAP_MAGIC_US, .major = 2, .minor = 4,
		.snapshot = PCAP_SNAPSHOT, .link_type = PCAP_ETHERNET,
	};
	CPC_FCLOSE FILE *file = fopen(path, "we");

	if (!file || fwrite(&header, sizeof(header), 1, file) != 1) {
		cpc_error_set(error, "file '%s': %s", path, strerror(errno));
		return -errno;
	}
	*ret_file = CPC_TAKE(file);
	return 0;
}

int cpc_v2x_pcap_append(FILE *file, uint64_t unix_ms, const uint8_t *data, size_t size)
{
	const struct pcap_frame_header header = {
		.seconds = (uint32_t)(unix_ms / 1000),
		.fraction = (uint32_t)(unix_ms % 1000 * 1000),
		.captured = (uint32_t)size,
		.length = (uint32_t)size,
	};

	if (fwrite(&header, sizeof(header), 1, file) != 1 || fwrite(data, 1, size, file) != size)
		return -EIO;
	return 0;
}

int cpc_v2x_pcap_open(const char *path, struct cpc_v2x_pcap *ret_pcap, struct cpc_error *error)
{
	struct cpc_v2x_pcap pcap = { .used = sizeof(struct pcap_file_header) };
	struct pcap_file_header header = { 0 };
	int r = cpc_v2x_read_file(path, PCAP_SIZE_MAX, &pcap.data, &pcap.size, error);

	if (r < 0)
		return r;
	if (pcap.size >= sizeof(header))
		memcpy(&header, pcap.data, sizeof(header));
	if ((header.magic != PCAP_MAGIC_US && header.magic != PCAP_MAGIC_NS) ||
	    header.link_type != PCAP_ETHERNET) {
		cpc_error_set(error, "file '%s': not a pcap file of Ethernet in this machine's "
			      "byte order (magic %08x, link type %u)", path, header.magic,
			      header.link_type);
		cpc_v2x_pcap_done(&pcap);
		return -EINVAL;
	}
	*ret_pcap = pcap;
	return 0;
}

int cpc_v2x_pcap_next(struct cpc_v2x_pcap *pcap, const uint8_t **ret_frame, size_t *ret_size)
{
	struct pcap_frame_header header;
	size_t left = pcap->size - pcap->used;

	if (left == 0)
		return 0;
	if (left < sizeof(header))
		return -EBADMSG;
	memcpy(&header, pcap->data + pcap->used, sizeof(header));
	if (header.captured > left - sizeof(header))
		return -EBADMSG;
	*ret_frame = (const uint8_t *)pcap->data + pcap->used + sizeof(header);
	*ret_size = header.captured;
	pcap->used += sizeof(header) + header.captured;
	return 1;
}

void cpc_v2x_pcap_done(struct cpc_v2x_pcap *pcap)
{
	free(pcap->data);
	*pcap = (struct cpc_v2x_pcap){ 0 };
}
