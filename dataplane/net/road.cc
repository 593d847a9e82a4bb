// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/epoll/road.h"

#include "dataplane/net/byte_stream.h"
#include "dataplane/net/uring/ring.h"
#include "dataplane/net/uring/road.h"

namespace gh::net {

std::string uring_missing() { return uring::missing(); }

Outcome<std::unique_ptr<Road>> make_road(RoadKind kind, BufferPool& pool) {
  switch (kind) {
    case RoadKind::uring:
      return uring::UringRoad::make(pool);
    case RoadKind::epoll:
      return epoll::EpollRoad::make(pool);
    case RoadKind::dpdk:
      return fault("the dpdk road is made by its ports, not here");
  }
  return fault("no such road");
}

}  // namespace gh::net
