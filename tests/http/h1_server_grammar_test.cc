// SPDX-License-Identifier: Apache-2.0
// Which bytes are a request and which are refused (RFC 9112), as tables; every row also cut byte by
// byte and at every place.
#include "tests/http/h1_rig.h"

#include <gtest/gtest.h>

namespace gh::http::test {
namespace {

std::string all_of(const std::string& bytes, std::size_t piece_bytes) {
  ServerRig rig;
  rig.feed_cut(bytes, piece_bytes);
  return rig.all();
}

// The verdict is the same whatever the cut.
void expect_same_in_any_cut(const std::string& bytes) {
  const std::string whole = all_of(bytes, bytes.size());
  for (const std::size_t piece : {1u, 2u, 3u, 7u})
    EXPECT_EQ(all_of(bytes, piece), whole) << "pieces of " << piece;
  if (bytes.size() > 400) return;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ServerRig rig;
    rig.feed(std::string_view(bytes).substr(0, cut));
    rig.feed(std::string_view(bytes).substr(cut));
    EXPECT_EQ(rig.all(), whole) << "cut at " << cut;
  }
}

struct Refusal {
  std::string bytes;
  SessionError error;
  int status = 400;
};

void expect_refused(const std::vector<Refusal>& table) {
  for (const Refusal& row : table) {
    SCOPED_TRACE(testing::PrintToString(row.bytes.substr(0, 300)));
    ServerRig rig;
    rig.feed(row.bytes);
    EXPECT_EQ(name_of(rig.error), name_of(row.error));
    EXPECT_TRUE(rig.session->finished());
    EXPECT_TRUE(rig.output.starts_with("HTTP/1.1 " + std::to_string(row.status) + " "))
        << rig.output;
    EXPECT_NE(rig.output.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_NE(rig.output.find("{\"kind\":\"Status\""), std::string::npos);
    expect_same_in_any_cut(row.bytes);
  }
}

// A head: first line, Host, then `fields`.
std::string get(std::string_view fields) {
  return "GET /x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view fields, std::string_view body = "") {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string chunked(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

TEST(H1ServerRequestLine, malformed_ones_are_refused) {
  const auto bad = SessionError::bad_request_line;
  const std::string host = "\r\nHost: a\r\n\r\n";
  std::vector<Refusal> table = {
      {"GET /x" + host, bad},
      {"GET" + host, bad},
      {" GET /x HTTP/1.1" + host, bad},
      {"GET  /x HTTP/1.1" + host, bad},
      {"GET /x  HTTP/1.1" + host, bad},
      {"GET /x HTTP/1.1 " + host, bad},
      {"GET\t/x\tHTTP/1.1" + host, bad},
      {"GET /x y HTTP/1.1" + host, bad},
      {"GET /x http/1.1" + host, bad},
      {"GET /x HTTP/1.10" + host, bad},
      {"GET /x HTTP/1" + host, bad},
      {"GET /x HTTP/1.x" + host, bad},
      {"GET /x FTP/1.1" + host, bad},
      {"G(T /x HTTP/1.1" + host, bad},
      {"G\x80T /x HTTP/1.1" + host, bad},
      {std::string(65, 'G') + " /x HTTP/1.1" + host, bad},
      {"\r\n\r\nGET /x HTTP/1.1" + host, bad},
      {std::string("G\0T /x HTTP/1.1", 15) + host, bad},
      {"GET /x\r HTTP/1.1" + host, bad},
  };
  for (const char* version :
       {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/0.0"}) {
    table.push_back(
        {std::string("GET /x ") + version + host, SessionError::unsupported_version, 505}
    );
  }
  table.push_back({"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SessionError::unsupported_version, 505});
  expect_refused(table);
}

TEST(H1ServerRequestLine, targets_read_in_two_ways_are_refused) {
  const auto bad = SessionError::bad_request_line;
  std::vector<Refusal> table;
  for (const std::string target :
       {"*",
        "x",
        "api/v1/pods",
        "?a",
        "a:443",
        "//\x01",
        "/a#b",
        "/a?b#c",
        "/#",
        "/\x7f",
        "/a\xc3\xa9",
        "/\xff",
        "ftp://a/x",
        "http://a",
        "http://a?x",
        "https://a#x",
        "https://u@a/x",
        "https:///x",
        "https://a:x/x",
        "http:/x",
        "http:x",
        "://a/x",
        "https://a,b/x",
        "https://%61/x",
        "https://a/x#y"}) {
    table.push_back({"GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", bad});
  }
  table.push_back({"POST * HTTP/1.1\r\nHost: a\r\n\r\n", bad});
  table.push_back({"options * HTTP/1.1\r\nHost: a\r\n\r\n", bad});
  table.push_back({"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", SessionError::connect_refused});
  table.push_back({"CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", SessionError::connect_refused});
  expect_refused(table);
}

TEST(H1ServerFields, lines_that_end_otherwise_than_crlf_are_refused) {
  const auto bad = SessionError::bad_header;
  expect_refused({
      {"GET /x HTTP/1.1\nHost: a\n\n", bad},
      {"GET /x HTTP/1.1\nHost: a\r\n\r\n", bad},
      {"GET /x HTTP/1.1\r\nHost: a\n\r\n", bad},
      {"GET /x HTTP/1.1\r\nHost: a\r\n\n", bad},
      {"\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", bad},
      {get("A: b\nC: d\r\n"), bad},
      {get("A: b\rC: d\r\n"), bad},
      {get("A: b\r\r\n"), bad},
      {get("\rA: b\r\n"), bad},
      {"GET /x HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n", bad},
  });
}

TEST(H1ServerFields, malformed_names_and_values_are_refused) {
  const auto bad = SessionError::bad_header;
  std::vector<Refusal> table = {
      {get("A : b\r\n"), bad},
      {get("A\t: b\r\n"), bad},
      {get(": b\r\n"), bad},
      {get("A\r\n"), bad},
      {get("A: b\r\n c\r\n"), bad},
      {get("A: b\r\n\tc\r\n"), bad},
      {get("A: b\r\n \r\n"), bad},
      {"GET /x HTTP/1.1\r\n Host: a\r\n\r\n", bad},
      {get(std::string_view("A: b\0c\r\n", 8)), bad},
      {get(std::string_view("A\0: b\r\n", 7)), bad},
  };
  for (const char c : std::string("\"(),/;<=>?@[\\]{} \x01\x7f\x80\xff")) {
    table.push_back({get(std::string("A") + c + "B: c\r\n"), bad});
  }
  for (const char c : std::string("\x01\x08\x0b\x0c\x0e\x1b\x1f\x7f")) {
    table.push_back({get(std::string("A: b") + c + "c\r\n"), bad});
  }
  expect_refused(table);
}

TEST(H1ServerFields, host_is_one_and_well_formed) {
  const auto bad = SessionError::bad_header;
  const std::string line = "GET /x HTTP/1.1\r\n";
  std::vector<Refusal> table = {
      {line + "\r\n", bad},
      {line + "Host: a\r\nHost: a\r\n\r\n", bad},
      {line + "Host: a\r\nhOsT:\r\n\r\n", bad},
      {"GET https://a/x HTTP/1.1\r\n\r\n", bad},
  };
  for (const char* host :
       {"",      "a b", "a,b",     "a/b",    "a@b", "a?b",      "a#b",      "a\\b",
        "a\x80", "a:b", "a:80:80", "a:-1",   "a:",  "a:123456", "[::1",     "::1]",
        "::1",   "[]",  "[::1]x",  "[v1.x]", "[a]", "a%62",     "https://a"}) {
    table.push_back({line + "Host: " + host + "\r\n\r\n", bad});
  }
  expect_refused(table);
}

TEST(H1ServerFraming, lengths_read_in_two_ways_are_refused) {
  const auto bad = SessionError::bad_framing;
  std::vector<Refusal> table;
  for (const std::string length :
       {"",
        "+5",
        "-5",
        "-0",
        "0x5",
        "5h",
        "5.0",
        "1e1",
        "5,",
        ",5",
        "5 5",
        "5;5",
        "5, 5",
        "5, 6",
        "\"5\"",
        "5\xa0",
        "9223372036854775808",
        "18446744073709551621",
        "00000000000000000005"}) {
    table.push_back({post("Content-Length: " + length + "\r\n", "abcde"), bad});
  }
  for (const char* second : {"5", "6", "", "05", "+5"}) {
    table.push_back(
        {post(std::string("Content-Length: 5\r\nContent-Length: ") + second + "\r\n", "abcde"), bad}
    );
  }
  expect_refused(table);
}

TEST(H1ServerFraming, length_and_coding_together_are_refused) {
  const auto bad = SessionError::bad_framing;
  expect_refused({
      {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
      {post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), bad},
      {post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
      {post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "0\r\n\r\n"), bad},
      {"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},
  });
}

TEST(H1ServerFraming, codings_other_than_chunked_alone_are_refused) {
  const auto bad = SessionError::bad_framing;
  std::vector<Refusal> table;
  for (const std::string coding :
       {"",
        "identity",
        "xchunked",
        "chunkedx",
        "chunk",
        "chunked, identity",
        "identity, chunked",
        "chunked, chunked",
        "chunked,",
        ",chunked",
        "chunked;q=1",
        "\"chunked\"",
        "gzip",
        "gzip, chunked",
        "chunked gzip",
        "chu nked",
        "chunked\xa0"}) {
    table.push_back({post("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n"), bad});
  }
  for (const char* second : {"chunked", "identity", ""}) {
    table.push_back(
        {post(
             std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: ") + second + "\r\n",
             "0\r\n\r\n"
         ),
         bad}
    );
  }
  expect_refused(table);
}

TEST(H1ServerFraming, hidden_codings_are_refused) {
  for (const std::string line :
       {"Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding\x01: chunked\r\n",
        "Transfer-Encoding:: chunked\r\n",
        "Transfer-Encoding: chunked\x0b\r\n"}) {
    SCOPED_TRACE(testing::PrintToString(line));
    const std::string bytes =
        post("Content-Length: 5\r\n" + line, "0\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    ServerRig rig;
    rig.feed(bytes);
    EXPECT_NE(rig.error, SessionError::none);
    EXPECT_EQ(rig.seen.text(), "");
    expect_same_in_any_cut(bytes);
  }
}

TEST(H1ServerChunks, malformed_ones_are_refused) {
  const auto bad = SessionError::bad_framing;
  std::vector<Refusal> table;
  for (const std::string& size :
       {std::string("+3"),
        std::string("-3"),
        std::string("0x3"),
        std::string(" 3"),
        std::string("3 "),
        std::string("3\t"),
        std::string("\t3"),
        std::string(""),
        std::string("g"),
        std::string("3g"),
        std::string("3 3"),
        std::string("3,"),
        std::string("3\0", 2),
        std::string("3\x0b"),
        std::string("3\xa0"),
        std::string("FFFFFFFFFFFFFFFF"),
        std::string("10000000000000003"),
        std::string(20, '0') + "3",
        std::string("3;"),
        std::string("3;=a"),
        std::string("3;a="),
        std::string("3;a=b c"),
        std::string("3;;a"),
        std::string("3;a=\"b"),
        std::string("3;a=\"b\"c"),
        std::string("3 ;a"),
        std::string("3; a"),
        std::string("3;a=\x01"),
        std::string("3;a=\"\x01\""),
        std::string("3;a=\"\\\x7f\""),
        "3;" + std::string(1024, 'a')}) {
    table.push_back({chunked(size + "\r\nabc\r\n0\r\n\r\n"), bad});
  }
  for (const char* body :
       {"3\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\r0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\n\r\n",
        "3\r\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\r\n0\r\n\r\n",
        "3;\nabc\r\n0\r\n\r\n",
        "2;\nxx\r\n4c\r\n0\r\n\r\nGET /y HTTP/1.1\r\n\r\n"}) {
    table.push_back({chunked(body), bad});
  }
  expect_refused(table);
}

TEST(H1ServerChunks, malformed_trailers_are_refused) {
  const auto bad = SessionError::bad_header;
  expect_refused({
      {chunked("0\r\nabc\r\n\r\n"), bad},
      {chunked("0\r\nA : b\r\n\r\n"), bad},
      {chunked("0\r\nA: b\r\n c\r\n\r\n"), bad},
      {chunked("0\r\n A: b\r\n\r\n"), bad},
      {chunked("0\r\n: b\r\n\r\n"), bad},
      {chunked("0\r\nA: b\rc\r\n\r\n"), bad},
      {chunked("0\r\n\n"), bad},
      {chunked("0\r\nA: b\n\r\n"), bad},
      {chunked("0\r\nA: " + std::string(limits::trailer_bytes_max, 'v')), SessionError::bad_framing
      },
  });
}

TEST(H1ServerConnection, malformed_or_harmful_options_are_refused) {
  const auto bad = SessionError::bad_header;
  std::vector<Refusal> table = {
      {get("Connection: \"x\"\r\n"), bad},
      {get("Connection: a b\r\n"), bad},
      {get("Connection: :path\r\n"), bad}
  };
  for (const char* name :
       {"Host",
        "Content-Length",
        "Transfer-Encoding",
        "Content-Type",
        "Authorization",
        "Cookie",
        "Accept-Encoding",
        "Impersonate-User",
        "If-Match",
        "Expect"}) {
    table.push_back({get(std::string("Connection: close, ") + name + "\r\n"), bad});
  }
  std::string many;
  for (int i = 0; i < 40; ++i) many += "x" + std::to_string(i) + ",";
  table.push_back({get("Connection: " + many + "\r\n"), bad});
  expect_refused(table);
}

TEST(H1ServerExpect, other_expectations_are_refused) {
  expect_refused({
      {post("Expect: x\r\nContent-Length: 3\r\n"), SessionError::bad_header, 417},
      {post("Expect: 100-continue, x\r\nContent-Length: 3\r\n"), SessionError::bad_header, 417},
      {post("Expect: 100-continue;q=1\r\nContent-Length: 3\r\n"), SessionError::bad_header, 417},
  });
}

TEST(H1ServerUpgrade, h2c_is_refused) {
  expect_refused({
      {get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
           "AAMAAABkAAQAAP__\r\n"),
       SessionError::connect_refused},
      {get("Upgrade: H2C\r\n"), SessionError::connect_refused},
      {get("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"), SessionError::connect_refused},
      {get("Connection: upgrade\r\nUpgrade: a b\r\n"), SessionError::bad_header},
  });
}

TEST(H1ServerBounds, are_kept) {
  const std::string line = "GET /x HTTP/1.1\r\nHost: a\r\n";
  std::string fields;
  for (std::size_t i = 0; i < limits::header_fields_max; ++i) fields += "a:b\r\n";
  const std::vector<Refusal> table = {
      {"GET /" + std::string(limits::request_line_bytes_max, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
       SessionError::target_too_long,
       414},
      {"GET /" + std::string(limits::request_line_bytes_max, 'a'),
       SessionError::target_too_long,
       414},
      {line + fields + "\r\n", SessionError::head_too_large, 431},
      {line + "A: " + std::string(limits::head_bytes_max, 'v') + "\r\n\r\n",
       SessionError::head_too_large,
       431},
      {line + "A: " + std::string(2 * limits::head_bytes_max, 'v'),
       SessionError::head_too_large,
       431},
      {line + "A: " + std::string(2 * limits::head_bytes_max, ' '),
       SessionError::head_too_large,
       431},
      {line + std::string(2 * limits::head_bytes_max, 'n'), SessionError::head_too_large, 431},
  };
  for (const Refusal& row : table) {
    ServerRig rig;
    rig.feed(row.bytes);
    EXPECT_EQ(name_of(rig.error), name_of(row.error)) << row.bytes.size();
    EXPECT_TRUE(rig.output.starts_with("HTTP/1.1 " + std::to_string(row.status) + " "))
        << rig.output;
    EXPECT_EQ(all_of(row.bytes, 1000), rig.all());
    EXPECT_EQ(all_of(row.bytes, 16384), rig.all());
  }
}

TEST(H1ServerBounds, what_is_just_within_them_is_accepted) {
  std::string fields;
  for (std::size_t i = 0; i + 1 < limits::header_fields_max; ++i) fields += "a:b\r\n";
  const std::string target = "/" + std::string(limits::request_line_bytes_max - 16, 'a');
  for (const std::string& bytes :
       {get(fields),
        get("A: " + std::string(limits::head_bytes_max - 200, 'v') + "\r\n"),
        "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n",
        std::string(64, 'M') + " /x HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    ServerRig rig;
    rig.feed(bytes);
    EXPECT_EQ(rig.error, SessionError::none);
    EXPECT_NE(rig.seen.text().find("closed none"), std::string::npos);
    EXPECT_EQ(all_of(bytes, 1000), rig.all());
  }
}

struct Accepted {
  std::string bytes;
  std::string seen;  // of the requests
};

TEST(H1ServerGrammar, well_formed_requests_are_understood) {
  const std::string end = "\nend\nclosed none\n";
  const std::vector<Accepted> table = {
      {get(""), "request GET /x HTTP/1.1 host=a" + end},
      {"\r\n" + get(""), "request GET /x HTTP/1.1 host=a" + end},
      {get("") + "\r\n" + get(""),
       "request GET /x HTTP/1.1 host=a" + end + "request GET /x HTTP/1.1 host=a" + end},
      {"get /x HTTP/1.1\r\nHost: a\r\n\r\n", "request get /x HTTP/1.1 host=a" + end},
      {"X!#$%&'*+-.^_`|~9 /x HTTP/1.1\r\nHost: a\r\n\r\n",
       "request X!#$%&'*+-.^_`|~9 /x HTTP/1.1 host=a" + end},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "request OPTIONS * HTTP/1.1 host=a" + end},
      {"GET //a/../%2F;x?y=\"<>\\^`{|} HTTP/1.1\r\nHost: a\r\n\r\n",
       "request GET //a/../%2F;x?y=\"<>\\^`{|} HTTP/1.1 host=a" + end},
      {"GET hTTps://b:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "request GET /x?y HTTP/1.1 host=b:1" + end
      },
      {"GET http://[::1]//x HTTP/1.1\r\nHost: a\r\n\r\n",
       "request GET //x HTTP/1.1 host=[::1]" + end},
      {"GET /x HTTP/1.1\r\nhost:\t a_b.c-d:65535 \t\r\n\r\n",
       "request GET /x HTTP/1.1 host=a_b.c-d:65535" + end},
      {get("A:b\r\nA:  \tb c\t \r\nX_y:\r\nB: c: d:\r\nC: \x80\xff\te\r\n"),
       "request GET /x HTTP/1.1 host=a a=b a=b c x_y= b=c: d: c=\x80\xff\te" + end},
      {get("Connection: ,, x-a,\r\nX-A: 1\r\nx-b: 2\r\nConnection: x-c\r\nX-C: 3\r\nKeep-Alive: "
           "5\r\nProxy-Connection: x\r\nTE: gzip\r\n"),
       "request GET /x HTTP/1.1 host=a x-b=2" + end},
      {get("TE: deflate, TRAILERS\r\nConnection: TE\r\n"),
       "request GET /x HTTP/1.1 host=a trailers" + end},
      {get("Expect: 100-continue\r\n"), "request GET /x HTTP/1.1 host=a" + end},
      {get("Upgrade: websocket\r\n"), "request GET /x HTTP/1.1 host=a" + end},
      {get("Upgrade: websocket\r\nConnection: keep-alive, UPGRADE\r\n"),
       "request GET /x HTTP/1.1 host=a upgrade=websocket" + end},
      {get("Upgrade: SPDY/3.1\r\nUpgrade: b\r\nConnection: upgrade\r\n"),
       "request GET /x HTTP/1.1 host=a upgrade=SPDY/3.1, b" + end},
      {post("Content-Length: 0\r\n"), "request POST /x HTTP/1.1 host=a length=0" + end},
      {post("Content-Length: \t5 \r\n", "abcde"),
       "request POST /x HTTP/1.1 host=a body length=5\nbody abcde" + end},
      {post("Content-Length: 005\r\n", "abcde"),
       "request POST /x HTTP/1.1 host=a body length=5\nbody abcde" + end},
      {get("Content-Length: 5\r\n") + "abcde" + get(""),
       "request GET /x HTTP/1.1 host=a body length=5\nbody abcde" + end +
           "request GET /x HTTP/1.1 host=a" + end},
      {post(
           "Transfer-Encoding:\tChunked \r\n",
           "3\r\nabc\r\n0A;a;b=c;d=\"e\\\"f\t\"\r\n0123456789\r\n000;x\r\n\r\n"
       ) + get(""),
       "request POST /x HTTP/1.1 host=a body\nbody abc0123456789" + end +
           "request GET /x HTTP/1.1 host=a" + end},
      {post(
           "Transfer-Encoding: chunked\r\nConnection: x-n\r\n",
           "0\r\nX-T: v\r\nx-n: 1\r\nX_Remote_User: root\r\nContent-Length: 9\r\nHost: "
           "b\r\nImpersonate-User: x\r\nGrpc-Status: 0\r\n\r\n"
       ),
       "request POST /x HTTP/1.1 host=a body\nend x-t=v grpc-status=0\nclosed none\n"},
      {"GET /x HTTP/1.0\r\n\r\n", "request GET /x HTTP/1.0 host=" + end},
      {"GET /x HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nTE: "
       "trailers\r\n\r\n",
       "request GET /x HTTP/1.0 host=a" + end},
      {"POST /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
       "request POST /x HTTP/1.0 host=a body length=1\nbody a" + end},
  };
  for (const Accepted& row : table) {
    SCOPED_TRACE(testing::PrintToString(row.bytes));
    ServerRig rig;
    rig.feed(row.bytes);
    EXPECT_EQ(rig.seen.text(), row.seen);
    EXPECT_EQ(rig.error, SessionError::none);
    expect_same_in_any_cut(row.bytes);
  }
}

}  // namespace
}  // namespace gh::http::test
