// SPDX-License-Identifier: Apache-2.0
// Roads over kernel sockets, on loopback.
#include "tests/net/road_fixture.h"

namespace gh::net {

std::vector<RoadKind> roads_under_test() { return {RoadKind::epoll, RoadKind::uring}; }

Outcome<std::unique_ptr<Road>> make_road_under_test(RoadKind kind, BufferPool& pool) {
  return make_road(kind, pool);
}

Outcome<Listening> make_listening(RoadKind, const Endpoint& at) {
  GH_TRY(const int socket, listen_socket(at));
  return Listening{local_endpoint(socket, at), socket};
}

Endpoint seen_by_peer(RoadKind, const Endpoint& at) { return at; }

}  // namespace gh::net
