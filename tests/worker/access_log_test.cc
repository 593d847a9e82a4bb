// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/access_log.h"

#include <gtest/gtest.h>

namespace gh::worker {
namespace {

std::string line_of(
    const http::RequestHead& head, const Judged& judged, const proxy::Record& ended = {}
) {
  proxy::Record record;
  begin_access_line(record.log, {1'790'000'000}, head, judged);
  record.code = ended.code;
  record.bytes_up = ended.bytes_up;
  record.bytes_down = ended.bytes_down;
  return end_access_line(
      record, http::Reset::none, "https://a:1", std::chrono::microseconds(42), 1
  );
}

TEST(AccessLog, line_has_who_what_and_how_it_ended) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/api/v1/pods?watch=1";
  head.version = http::Version::http_2;
  head.headers.add("user-agent", "kubectl/v1.36");
  authz::Attributes watch;
  watch.resource_request = true;
  watch.verb = "watch";
  watch.resource = "pods";
  proxy::Record ended;
  ended.code = 200;
  ended.bytes_down = 7;
  EXPECT_EQ(
      line_of(
          head,
          {.client = "127.0.0.1",
           .who = {"alice", "", {"dev"}, {}},
           .what = watch,
           .decision = "allow",
           .reason = "because",
           .tls_version = "TLSv1.3",
           .resumed = true},
          ended
      ),
      R"({"time":"2026-09-21T14:13:20Z","client":"127.0.0.1","user":"alice","groups":["dev"],"verb":"watch","resource":"pods","method":"GET","uri":"/api/v1/pods?watch=1",)"
      R"("http":"HTTP/2.0","tls":"TLSv1.3","resumed":true,"decision":"allow","reason":"because","userAgent":"kubectl/v1.36",)"
      R"("code":200,"bytesIn":0,"bytesOut":7,"durationMicros":42,"upstream":"https://a:1"})"
  );
}

TEST(AccessLog, what_a_client_says_cannot_break_the_line) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/x\"\n\\";
  head.headers.add("user-agent", "a\"},{\"\xff");
  const identity::Identity eve{"eve\"\r\n", "", {}, {}};
  const std::string line = line_of(
      head, {.client = {}, .who = eve, .what = {}, .decision = {}, .reason = {}, .tls_version = {}}
  );
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("user":"eve\"\u000d\n")"), std::string::npos);
  EXPECT_NE(line.find(R"("uri":"/x\"\n\\")"), std::string::npos);
  EXPECT_NE(line.find(R"("userAgent":"a\"},{\"\ufffd")"), std::string::npos);
}

}  // namespace
}  // namespace gh::worker
