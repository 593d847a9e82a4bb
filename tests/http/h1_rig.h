// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 sessions on a bench: bytes in by chosen cuts, everything said and sent written down as
// one text, so that two ways of cutting the same bytes can be compared.
#pragma once

#include "base/buffer_pool.h"
#include "base/limits.h"
#include "dataplane/http/session.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::http::test {

inline std::string text_of(const HeaderList& headers) {
  std::string text;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    text += " ";
    text += headers[i].name;
    text += "=";
    text += headers[i].value;
  }
  return text;
}

// Events as lines; body pieces that follow one another are one line.
class Transcript {
 public:
  void line(std::string text) { lines_.push_back(std::move(text)); }

  void piece(std::string_view kind, ByteView bytes) {
    if (lines_.empty() || !lines_.back().starts_with(kind)) lines_.emplace_back(kind);
    lines_.back() += as_text(bytes);
  }

  std::string text() const {
    std::string all;
    for (const auto& each : lines_) all += each + "\n";
    return all;
  }

 private:
  std::vector<std::string> lines_;
};

inline std::string drain(auto& session) {
  std::string out;
  std::uint8_t block[777];
  while (session.wants_output()) {
    const std::size_t n = session.produce(block);
    out.append(reinterpret_cast<const char*>(block), n);
    if (n == 0 && session.wants_output()) return out + "<<stuck>>";
  }
  return out;
}

class ServerRig final : public ServerEvents {
 public:
  explicit ServerRig(ServerSettings settings = {limits::head_timeout, limits::idle_timeout, 1})
      : session(make_h1_server(*this, pool, settings, Instant{0})) {
    at_end = [this](Stream& stream, RequestHead&) { answer(stream, 200, "ok"); };
  }

  // A whole answer with Content-Length.
  void answer(Stream& stream, int status, std::string_view body) {
    ResponseHead head;
    head.status = status;
    head.content_length = body.size();
    session->respond(stream, head, body.empty());
    if (body.empty()) return;
    session->send_body(stream, as_bytes(body));
    session->end_body(stream, nullptr);
  }

  void feed(std::string_view bytes) {
    if (error != SessionError::none || session->finished()) return;
    note(session->on_plaintext(as_bytes(bytes), now));
    if (auto_drain) output += drain(*session);
  }

  void feed_cut(std::string_view bytes, std::size_t piece_bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += piece_bytes)
      feed(bytes.substr(at, piece_bytes));
  }

  void eof() {
    if (error != SessionError::none || session->finished()) return;
    note(session->on_eof());
    output += drain(*session);
  }

  void deadline(Instant at) {
    now = at;
    note(session->on_deadline(at));
    output += drain(*session);
  }

  void pump() { output += drain(*session); }

  // Everything that can be seen from outside.
  std::string all() const {
    return seen.text() + "error " + std::string(name_of(session->error())) +
           (session->finished() ? " finished" : "") + (session->aborted() ? " aborted" : "") +
           "\n" + output;
  }

  void on_request(Stream& stream, RequestHead& head) override {
    last = &stream;
    seen.line(
        "request " + head.method + " " + head.target + " " + std::string(name_of(head.version)) +
        " host=" + head.authority + (head.has_body ? " body" : "") +
        (head.content_length ? " length=" + std::to_string(*head.content_length) : "") +
        (head.expect_continue ? " expect" : "") + (head.te_trailers ? " trailers" : "") +
        (head.upgrade.empty() ? "" : " upgrade=" + head.upgrade) + text_of(head.headers)
    );
    head_ = &head;
    if (at_request) at_request(stream, head);
  }

  void on_body(Stream& stream, ByteView piece) override {
    seen.piece("body ", piece);
    if (auto_consume) session->consumed(stream, piece.size());
  }

  void on_request_end(Stream& stream, const HeaderList* trailers) override {
    seen.line("end" + (trailers == nullptr ? "" : text_of(*trailers)));
    if (at_end) at_end(stream, *head_);
  }

  void on_tunnel_bytes(Stream& stream, ByteView piece) override {
    seen.piece("tunnel ", piece);
    if (auto_consume) session->consumed(stream, piece.size());
  }

  void on_tunnel_end(Stream&) override { seen.line("tunnel end"); }

  void on_sent(Stream&, std::size_t n) override { sent += n; }

  void on_closed(Stream&, Reset reset) override {
    seen.line("closed " + std::string(name_of(reset)));
  }

  BufferPool pool;
  Transcript seen;
  std::string output;
  SessionError error = SessionError::none;
  Instant now{1};
  std::size_t sent = 0;
  bool auto_consume = true;
  bool auto_drain = true;
  Stream* last = nullptr;
  std::function<void(Stream&, RequestHead&)> at_request;
  std::function<void(Stream&, RequestHead&)> at_end;
  std::unique_ptr<ServerSession> session;

 private:
  void note(const Result<void, SessionError>& result) {
    if (!result) error = result.error();
  }

  RequestHead* head_ = nullptr;
};

class ClientRig final : public ClientEvents {
 public:
  ClientRig() : session(make_h1_client(*this, pool)) {}

  Stream& open(const RequestHead& head, bool end = true) {
    Stream& stream = session->open(head, end, this);
    last = &stream;
    output += drain(*session);
    return stream;
  }

  Stream& get(std::string_view target = "/x", std::string_view method = "GET") {
    RequestHead head;
    head.method = method;
    head.target = target;
    head.authority = "api";
    return open(head);
  }

  void feed(std::string_view bytes) {
    if (error != SessionError::none || session->finished()) return;
    note(session->on_plaintext(as_bytes(bytes), Instant{1}));
    output += drain(*session);
  }

  void feed_cut(std::string_view bytes, std::size_t piece_bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += piece_bytes)
      feed(bytes.substr(at, piece_bytes));
  }

  void eof() {
    if (error != SessionError::none) return;
    note(session->on_eof());
    output += drain(*session);
  }

  void pump() { output += drain(*session); }

  std::string all() const {
    return seen.text() + "error " + std::string(name_of(error)) +
           (session->finished() ? " finished" : "") + (session->free_streams() > 0 ? " free" : "") +
           "\n";
  }

  void on_response(Stream& stream, ResponseHead& head) override {
    seen.line(
        (head.interim() ? "interim " : "response ") + std::to_string(head.status) +
        (head.content_length ? " length=" + std::to_string(*head.content_length) : "") +
        (head.upgrade.empty() ? "" : " upgrade=" + head.upgrade) + text_of(head.headers)
    );
    if (at_response) at_response(stream, head);
  }

  void on_body(Stream& stream, ByteView piece) override {
    seen.piece("body ", piece);
    if (auto_consume) session->consumed(stream, piece.size());
  }

  void on_response_end(Stream&, const HeaderList* trailers) override {
    seen.line("end" + (trailers == nullptr ? "" : text_of(*trailers)));
  }

  void on_tunnel_bytes(Stream& stream, ByteView piece) override {
    seen.piece("tunnel ", piece);
    if (auto_consume) session->consumed(stream, piece.size());
  }

  void on_tunnel_end(Stream&) override { seen.line("tunnel end"); }

  void on_sent(Stream&, std::size_t n) override { sent += n; }

  void on_closed(Stream&, Reset reset) override {
    seen.line("closed " + std::string(name_of(reset)));
  }

  void on_capacity() override { ++capacity; }

  BufferPool pool;
  Transcript seen;
  std::string output;
  SessionError error = SessionError::none;
  std::size_t sent = 0;
  std::size_t capacity = 0;
  bool auto_consume = true;
  Stream* last = nullptr;
  std::function<void(Stream&, ResponseHead&)> at_response;
  std::unique_ptr<ClientSession> session;

 private:
  void note(const Result<void, SessionError>& result) {
    if (!result) error = result.error();
  }
};

}  // namespace gh::http::test
