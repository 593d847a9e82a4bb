// SPDX-License-Identifier: Apache-2.0
// What happens on a stream that was opened on an API server's connection, told to whoever opened it
// (ClientSession::open's `user` is an UpLeg*). Owner: one core.
#pragma once

#include "base/byte_view.h"
#include "dataplane/http/session.h"

#include <cstddef>

namespace gh::proxy {

class UpLeg {
 public:
  virtual void on_response(http::ResponseHead& head) = 0;
  virtual void on_up_body(ByteView piece) = 0;  // to be given back by ClientSession::consumed()
  virtual void on_response_end(const http::HeaderList* trailers) = 0;
  virtual void on_up_tunnel_end() = 0;
  virtual void on_up_sent(std::size_t bytes) = 0;
  virtual void on_up_closed(http::Reset reset) = 0;  // the stream is gone after this call

 protected:
  ~UpLeg() = default;
};

}  // namespace gh::proxy
