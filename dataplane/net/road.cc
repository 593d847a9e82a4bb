// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/epoll/road.h"

#include "dataplane/net/byte_stream.h"

namespace gh::net {

std::string uring_missing() { return "it is not built in"; }

Outcome<std::unique_ptr<Road>> make_road(RoadKind kind, BufferPool& pool) {
  if (kind == RoadKind::uring) return fault("the uring road does not run here: " + uring_missing());
  return epoll::EpollRoad::make(pool);
}

}  // namespace gh::net
