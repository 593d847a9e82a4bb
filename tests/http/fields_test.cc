// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/fields.h"

#include "dataplane/http/status_body.h"

#include <gtest/gtest.h>

namespace gh::http {
namespace {

TEST(HeaderList, keeps_order_and_lowers_names) {
  HeaderList list;
  list.add("X-A", "1");
  list.add("b", "");
  list.add("x-a", "2");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].name, "x-a");
  EXPECT_EQ(list.find("x-a"), "1");
  EXPECT_EQ(list.count("x-a"), 2u);
  EXPECT_EQ(list.find("c"), std::nullopt);
  EXPECT_EQ(list.bytes(), 3u + 1 + 1 + 3 + 1 + 3 * 32);
  list.remove_if([](const Field& field) { return field.name == "x-a"; });
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].name, "b");
}

TEST(Fields, authorities_with_one_reading_only) {
  for (const char* good :
       {"a", "A.b-c_d~e", "127.0.0.1:1", "[::1]", "[::ffff:1.2.3.4]:65535", "a:1"})
    EXPECT_TRUE(is_authority(good)) << good;
  for (const char* bad :
       {"",
        ":1",
        "a:",
        "a:b",
        "a:1:2",
        "u@a",
        "a/b",
        "a b",
        "a,b",
        "a%62",
        "[]",
        "[a",
        "[::1",
        "[::1]:",
        "[::1]a",
        "::1",
        "a\\",
        "[fe80::1%25eth0]"}) {
    EXPECT_FALSE(is_authority(bad)) << bad;
  }
}

TEST(Fields, content_lengths_are_digits_within_63_bits) {
  EXPECT_EQ(parse_content_length("0"), 0u);
  EXPECT_EQ(parse_content_length("007"), 7u);
  EXPECT_EQ(parse_content_length("9223372036854775807"), 9223372036854775807u);
  for (const char* bad :
       {"", " 1", "1 ", "+1", "-1", "1,1", "0x1", "9223372036854775808", "99999999999999999999"}) {
    EXPECT_EQ(parse_content_length(bad), std::nullopt) << bad;
  }
}

TEST(Fields, values_have_no_control_bytes_and_no_outer_space) {
  for (const char* good : {"", "a", "a b\tc", "\x80\xff"})
    EXPECT_TRUE(is_field_value(good)) << good;
  for (const char* bad : {" a", "a ", "\ta", "a\r", "a\nb", "\x01", "\x7f"})
    EXPECT_FALSE(is_field_value(bad)) << bad;
  EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
  for (int c = 0; c < 256; ++c) {  // at each place of a word, as words are looked at whole
    const bool allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
    for (std::size_t at = 1; at < 18; ++at) {
      std::string text(19, 'x');
      text[at] = static_cast<char>(c);
      EXPECT_EQ(is_field_value(text), allowed) << c << " at " << at;
    }
  }
}

TEST(Fields, trailers_never_carry_what_belongs_in_a_head) {
  for (const char* name :
       {"content-length",
        "transfer-encoding",
        "host",
        "te",
        "trailer",
        "connection",
        "upgrade",
        "keep-alive",
        "authorization",
        "cookie",
        "set-cookie",
        "x-remote-user",
        "x_remote_user",
        "x-remote_extra-scopes",
        "x-forwarded-for",
        "x_real_ip",
        "forwarded",
        "impersonate-user",
        "impersonate_group",
        "content-type",
        "content_type",
        "proxy-authorization",
        "if-match",
        "expect",
        "range",
        "date",
        "audit-id",
        "x-remote-extra-authentication.kubernetes.io%2fcredential-id"}) {
    EXPECT_FALSE(may_be_trailer(name)) << name;
  }
  for (const char* name :
       {"grpc-status",
        "grpc-message",
        "x-t",
        "server-timing",
        "etag",
        "x-a-name-much-longer-than-the-names-that-are-looked-up"}) {
    EXPECT_TRUE(may_be_trailer(name)) << name;
  }
}

TEST(Fields, te_asks_for_trailers_or_not) {
  EXPECT_TRUE(wants_trailers("trailers"));
  EXPECT_TRUE(wants_trailers("gzip;q=0.5 , Trailers"));
  EXPECT_FALSE(wants_trailers(""));
  EXPECT_FALSE(wants_trailers("gzip"));
  EXPECT_FALSE(wants_trailers("trailersx"));
}

TEST(HopByHop, nominated_fields_are_stripped) {
  HopByHop hops;
  EXPECT_TRUE(hops.take("close, X-A"));
  EXPECT_TRUE(hops.take("x-remote-user,te"));
  EXPECT_TRUE(hops.close);
  HeaderList list;
  list.add("x-a", "1");
  list.add("X-Remote-User", "root");
  list.add("x-b", "2");
  hops.strip(list);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].name, "x-b");
}

TEST(StatusBody, is_what_the_api_server_writes) {
  const StatusDetails details{"p1", "apps", "pods"};
  EXPECT_EQ(
      status_body(403, status_reason(403), "no", &details),
      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
      "\"message\":\"no\",\"reason\":\"Forbidden\","
      "\"details\":{\"name\":\"p1\",\"group\":\"apps\",\"kind\":\"pods\"},\"code\":403}\n"
  );
  const StatusDetails nothing{};
  EXPECT_EQ(
      status_body(403, "Forbidden", "no", &nothing),
      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
      "\"message\":\"no\",\"reason\":\"Forbidden\","
      "\"details\":{},\"code\":403}\n"
  );
  EXPECT_EQ(
      status_body(431, status_reason(431), "x"),
      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
      "\"message\":\"x\",\"code\":431}\n"
  );
}

TEST(StatusBody, strings_are_escaped_as_in_go) {
  const auto message = [](std::string_view text) {
    const std::string body = status_body(400, "", text);
    const std::size_t from = body.find("\"message\":") + 10;
    return body.substr(from, body.rfind(",\"code\"") - from);
  };
  EXPECT_EQ(message("a\"\\/b"), R"("a\"\\/b")");
  EXPECT_EQ(message("<&>"), R"("\u003c\u0026\u003e")");
  EXPECT_EQ(message("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(
      message("\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80\""
  );
  EXPECT_EQ(message("\xe2\x80\xa8\xe2\x80\xa9"), R"("\u2028\u2029")");
  EXPECT_EQ(
      message("\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80"),
      R"("\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd")"
  );
}

}  // namespace
}  // namespace gh::http
