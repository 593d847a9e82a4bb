// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/reply.h"

#include <string>

namespace gh::proxy {
namespace {

void send(
    http::ServerSession& session,
    http::Stream& stream,
    int code,
    std::string_view type,
    std::string_view body
) {
  http::ResponseHead head;
  head.status = code;
  head.headers.add("cache-control", "no-cache, private");
  head.headers.add("content-type", type);
  head.headers.add("x-content-type-options", "nosniff");
  if (code == 429 || code == 503 || code == 504) head.headers.add("retry-after", "1");
  head.content_length = body.size();
  session.respond(stream, head, body.empty());
  if (body.empty()) return;
  session.send_body(stream, as_bytes(body));
  session.end_body(stream, nullptr);
}

}  // namespace

std::string body_of(const Refusal& refusal) {
  return http::status_body(
      refusal.code,
      refusal.reason.value_or(http::status_reason(refusal.code)),
      refusal.message,
      refusal.details
  );
}

void refuse(http::ServerSession& session, http::Stream& stream, int code, std::string_view body) {
  send(session, stream, code, "application/json", body);
}

void refuse_plain(
    http::ServerSession& session, http::Stream& stream, int code, std::string_view text
) {
  std::string body(text);
  body += '\n';  // as Go's http.Error writes it
  send(session, stream, code, "text/plain; charset=utf-8", body);
}

}  // namespace gh::proxy
