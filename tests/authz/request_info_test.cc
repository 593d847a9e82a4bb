// SPDX-License-Identifier: Apache-2.0
#include "authz/request_info.h"

#include "authz/forbidden.h"
#include "authz/go_text.h"
#include "authz/go_url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gh::authz {
namespace {

constexpr const char* none = "";

struct Row {
  const char* method;
  const char* target;
  const char* verb;
  const char* space;
  const char* resource;  // "pods/log"; a path for a non-resource request
  const char* name;
};

std::string resource_of(const Attributes& what) {
  if (!what.resource_request) return std::string(what.path);
  std::string out(what.resource);
  if (!what.subresource.empty()) out.append("/").append(what.subresource);
  return out;
}

void expect_rows(std::initializer_list<Row> rows) {
  RequestInfo info;
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.method) + " " + row.target);
    ASSERT_TRUE(info.parse(row.method, row.target));
    const Attributes& what = info.attributes();
    EXPECT_EQ(what.verb, row.verb);
    EXPECT_EQ(what.namespace_, row.space);
    EXPECT_EQ(resource_of(what), row.resource);
    EXPECT_EQ(what.name, row.name);
  }
}

TEST(RequestInfo, method_and_path_give_the_verb) {
  expect_rows({
      {"GET", "/api/v1/namespaces/d/pods", "list", "d", "pods", none},
      {"GET", "/api/v1/namespaces/d/pods/p", "get", "d", "pods", "p"},
      {"HEAD", "/api/v1/pods", "list", none, "pods", none},
      {"POST", "/api/v1/namespaces/d/pods", "create", "d", "pods", none},
      {"PUT",
       "/apis/apps/v1/namespaces/d/deployments/x/scale",
       "update",
       "d",
       "deployments/scale",
       "x"},
      {"PATCH", "/api/v1/nodes/n/status", "patch", none, "nodes/status", "n"},
      {"DELETE", "/api/v1/namespaces/d/pods/p", "delete", "d", "pods", "p"},
      {"DELETE", "/api/v1/namespaces/d/pods", "deletecollection", "d", "pods", none},
      {"get", "/api/v1/pods", none, none, "pods", none},
      {"OPTIONS", "/api/v1/pods", none, none, "pods", none},
      {"GET", "/api/v1/watch/namespaces/d/pods", "watch", "d", "pods", none},
      {"POST", "/api/v1/proxy/nodes/n/a/b", "proxy", none, "nodes", "n"},
  });
}

TEST(RequestInfo, what_is_no_resource_keeps_its_path_as_decoded) {
  expect_rows({
      {"GET", "/healthz", "get", none, "/healthz", none},
      {"PROPFIND", "/healthz/", "propfind", none, "/healthz/", none},
      {"GET", "/api/v1", "get", none, "/api/v1", none},
      {"GET", "/apis/apps/v1/", "get", none, "/apis/apps/v1/", none},
      {"GET", "/API/v1/pods", "get", none, "/API/v1/pods", none},
      {"GET", "/%68ealthz", "get", none, "/healthz", none},
      {"GET", "/..", "get", none, "/..", none},
      {"HEAD", "//", "head", none, "//", none},
  });
}

TEST(RequestInfo, the_path_is_not_cleaned) {
  expect_rows({
      {"GET", "//api/v1/pods", "list", none, "pods", none},
      {"GET", "/api/v1/pods/../nodes", "get", none, "pods/nodes", ".."},
      {"GET",
       "/api/v1/namespaces/ns1/../kube-system/secrets",
       "get",
       "ns1",
       "../secrets",
       "kube-system"},
      {"GET", "/./api/v1/pods", "get", none, "/./api/v1/pods", none},
      {"GET", "/api/v1//pods", "get", none, "", "pods"},
  });
}

TEST(RequestInfo, an_encoded_slash_separates_as_a_plain_one) {
  expect_rows({
      {"GET", "/api/v1/namespaces/ns1%2Fpods/p", "get", "ns1", "pods", "p"},
      {"GET", "/api%2Fv1/secrets", "list", none, "secrets", none},
      {"GET", "/api/v1/pods/a%252Fb", "get", none, "pods", "a%2Fb"},
  });
}

TEST(RequestInfo, an_empty_namespace_means_cluster_scope) {
  expect_rows({
      {"GET", "/api/v1/namespaces//pods", "list", none, "pods", none},
      {"GET", "/api/v1/namespaces/", "list", none, "namespaces", none},
      {"GET", "/api/v1/namespaces/ns1/status", "get", "ns1", "namespaces/status", "ns1"},
      {"GET", "/api/v1/namespaces/ns1/finalizer", "list", "ns1", "finalizer", none},
  });
}

TEST(RequestInfo, only_the_first_watch_value_counts) {
  expect_rows({
      {"GET", "/api/v1/pods?watch=true&watch=false", "watch", none, "pods", none},
      {"GET", "/api/v1/pods?watch=false&watch=true", "list", none, "pods", none},
      {"GET", "/api/v1/pods?%77atch=1", "watch", none, "pods", none},
      {"GET", "/api/v1/pods?watch", "watch", none, "pods", none},
      {"GET", "/api/v1/pods?watch=FALSE", "list", none, "pods", none},
      {"GET", "/api/v1/pods?watch=fal%C5%BFe", "list", none, "pods", none},  // U+017F folds to s
      {"GET", "/api/v1/pods?watch=fal%C5%BFe&limit=x", "watch", none, "pods", none
      },  // …but does not lower to it
      {"GET", "/api/v1/pods?a;b&watch=1;x", "list", none, "pods", none},
      {"GET", "/api/v1/pods/p?watch=1", "get", none, "pods", "p"},
      {"DELETE", "/api/v1/pods?watch=1", "deletecollection", none, "pods", none},
  });
}

TEST(RequestInfo, the_field_selector_names_the_object) {
  expect_rows({
      {"GET", "/api/v1/pods?fieldSelector=metadata.name%3Dfoo", "list", none, "pods", "foo"},
      {"GET",
       "/api/v1/pods?fieldSelector=metadata.name%3Dfoo,metadata.name%3Dbar",
       "list",
       none,
       "pods",
       "bar"},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name%3Dfoo&limit=x", "list", none, "pods", none},
      {"GET",
       "/api/v1/pods?fieldSelector=metadata.name%3Dfoo&limit=x&watch=1",
       "watch",
       none,
       "pods",
       none},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name%3Da%2Fb", "list", none, "pods", none},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name!%3Dfoo", "list", none, "pods", none},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name%3Df%5C%2Coo", "list", none, "pods", "f,oo"},
      {"GET",
       "/api/v1/pods?fieldSelector=metadata.name%3Da%5C%5C%FF",
       "list",
       none,
       "pods",
       "a\\\xef\xbf\xbd"},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name%3D+foo", "list", none, "pods", " foo"},
      {"DELETE",
       "/api/v1/pods?fieldSelector=metadata.name%3Dfoo",
       "deletecollection",
       none,
       "pods",
       none},
  });
}

TEST(RequestInfo, more_parameters_than_go_reads_are_no_parameters) {
  const auto verb_with = [](std::size_t ampersands) {
    RequestInfo info;
    EXPECT_TRUE(info.parse("GET", "/api/v1/pods?watch=1" + std::string(ampersands, '&')));
    return std::string(info.attributes().verb);
  };
  EXPECT_EQ(verb_with(9'999), "watch");
  EXPECT_EQ(verb_with(10'000), "list");
}

TEST(RequestInfo, targets_that_go_refuses_are_bad_requests) {
  RequestInfo info;
  for (const std::string& target : std::initializer_list<std::string>{
           "",
           "api/v1/pods",
           "/a b",
           "/a\tb",
           "/a\x7f",
           std::string("/a\0b", 4),
           "/%",
           "/%4",
           "/%zz",
           "/a%2",
           "?watch=1",
           "/api/v1/pods?a b",
           "://x",
           "http://[::1/api",
           "http://k8s:port/",
           "http://k8s/%zz",
           "/\x80%a"
       }) {
    const auto parsed = info.parse("GET", target);
    ASSERT_FALSE(parsed) << target;
    EXPECT_EQ(parsed.error(), TargetError::bad_request) << target;
  }
  for (const char* method : {"", "G ET", "GET\t", "GE(T", "G\xc3\x89T", "GET\r"}) {
    EXPECT_FALSE(info.parse(method, "/api/v1/pods")) << method;
  }
}

TEST(RequestInfo, control_bytes_are_found_at_every_offset) {
  RequestInfo info;
  for (std::size_t bytes = 1; bytes < 40; ++bytes) {
    for (std::size_t at = 1; at < bytes; ++at) {
      for (const char bad : {'\0', '\x01', '\x1f', ' ', '\x7f'}) {
        std::string target = "/" + std::string(bytes, 'x');
        target[at] = bad;
        EXPECT_FALSE(info.parse("GET", target));
        target[at] = '\x80';  // not ASCII is not control
        EXPECT_TRUE(info.parse("GET", target));
      }
    }
  }
}

TEST(RequestInfo, slashes_are_found_at_every_offset) {
  RequestInfo info;
  for (std::size_t bytes = 1; bytes < 40; ++bytes) {
    const std::string name(bytes, '.');  // next to '/' in ASCII
    ASSERT_TRUE(info.parse("GET", "/api/v1/namespaces/" + name + "/pods/" + name + "/log/0/" + name)
    );
    EXPECT_EQ(info.attributes().namespace_, name);
    EXPECT_EQ(info.attributes().name, name);
    EXPECT_EQ(info.attributes().subresource, "log");
    EXPECT_EQ(info.parts().size(), 5U);
  }
}

TEST(RequestInfo, options_asterisk_is_go_s_own_answer) {
  RequestInfo info;
  const auto parsed = info.parse("OPTIONS", "*");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), TargetError::options_asterisk);
  ASSERT_TRUE(info.parse("GET", "*"));
  EXPECT_EQ(info.attributes().path, "*");
}

TEST(RequestInfo, a_path_that_ends_in_watch_is_the_api_server_s_500) {
  RequestInfo info;
  const auto parsed = info.parse("GET", "/api/v1/watch/?a=<b>");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), TargetError::unfinished_verb);
  EXPECT_EQ(
      unfinished_verb_body("GET", "/api/v1/watch/?a=<b>"),
      "Internal Server Error: \"/api/v1/watch/?a=&lt;b&gt;\": failed to create RequestInfo: unable "
      "to determine kind and "
      "namespace from url, /api/v1/watch/?a=&lt;b&gt;\n"
  );
}

TEST(RequestInfo, nothing_of_the_last_request_stays) {
  RequestInfo info;
  ASSERT_TRUE(
      info.parse("GET", "/api/v1/namespaces/a/pods?fieldSelector=x%3Dy&labelSelector=a&watch=1")
  );
  ASSERT_TRUE(info.parse("GET", "/apis/apps/v1/deployments"));
  EXPECT_EQ(info.attributes().namespace_, "");
  EXPECT_EQ(info.attributes().verb, "list");
  EXPECT_EQ(info.field_selector(), "");
  EXPECT_EQ(info.label_selector(), "");
  EXPECT_FALSE(info.parse("GET", "bad"));
  EXPECT_FALSE(info.attributes().resource_request);
  EXPECT_EQ(info.attributes().resource, "");
}

TEST(RequestInfo, an_upgrade_of_a_pod_needs_create_too) {
  RequestInfo info;
  const auto needs = [&](const char* method, const char* target) {
    EXPECT_TRUE(info.parse(method, target));
    return info.needs_create_too();
  };
  for (const char* sub : {"exec", "attach", "portforward"}) {
    const std::string target = std::string("/api/v1/namespaces/d/pods/p/") + sub;
    EXPECT_TRUE(needs("GET", target.c_str()));
    EXPECT_FALSE(needs("POST", target.c_str()));
  }
  EXPECT_FALSE(needs("GET", "/api/v1/namespaces/d/pods/p/log"));
  EXPECT_FALSE(needs("GET", "/api/v1/namespaces/d/pods/p/proxy"));
  EXPECT_FALSE(needs("GET", "/api/v1/namespaces/d/services/p/exec"));
  EXPECT_FALSE(needs("GET", "/apis/x.io/v1/namespaces/d/pods/p/exec"));
}

TEST(RequestInfo, long_running_requests_are_known) {
  RequestInfo info;
  const auto is = [&](const char* method, const char* target) {
    EXPECT_TRUE(info.parse(method, target));
    return info.long_running();
  };
  EXPECT_TRUE(is("GET", "/api/v1/pods?watch=1"));
  EXPECT_TRUE(is("GET", "/api/v1/namespaces/d/pods/p/log"));
  EXPECT_TRUE(is("POST", "/api/v1/namespaces/d/pods/p/exec"));
  EXPECT_TRUE(is("GET", "/debug/pprof/profile"));
  EXPECT_FALSE(is("GET", "/debug/pprof"));
  EXPECT_FALSE(is("GET", "/api/v1/namespaces/d/pods/p/status"));
}

TEST(Forbidden, quotes_as_go_and_escapes_html_but_not_in_the_reason) {
  Attributes what;
  what.resource_request = true;
  what.verb = "get";
  what.resource = "pods";
  what.subresource = "log";
  what.name = "a<b";
  what.namespace_ = "n&s";
  EXPECT_EQ(
      forbidden_message("x\"\xff\n", what, "<why>"),
      "pods \"a<b\" is forbidden: User \"x\\\"\\xff\\n\" cannot get resource \"pods/log\" in API "
      "group \"\" in the namespace "
      "\"n&amp;s\": <why>"
  );
  EXPECT_EQ(upgrade_forbidden_message(what, ""), "pods \"a<b\" is forbidden: ");
}

TEST(GoText, quotes_what_cannot_be_printed) {
  EXPECT_EQ(go_quoted("\a\b\f\n\r\t\v\x01\x7f\\\""), "\"\\a\\b\\f\\n\\r\\t\\v\\x01\\x7f\\\\\\\"\"");
  EXPECT_EQ(
      go_quoted("\xc3\xa9\xe2\x80\xa8\xc2\xa0\xf3\xa0\x80\x81"),
      "\"\xc3\xa9\\u2028\\u00a0\\U000e0001\""
  );
  EXPECT_EQ(
      go_quoted("\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80"),
      "\"\\xed\\xa0\\x80\\xc0\\x80\\xf4\\x90\\x80\\x80\""
  );
}

TEST(GoText, reads_integers_as_strconv) {
  EXPECT_EQ(parse_int("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(parse_int("-9223372036854775808"), -9223372036854775807 - 1);
  for (const char* bad :
       {"",
        "+",
        "-",
        "9223372036854775808",
        "-9223372036854775809",
        "1_0",
        "0x1",
        " 1",
        "1 ",
        "99999999999999999999"}) {
    EXPECT_FALSE(parse_int(bad)) << bad;
  }
  EXPECT_EQ(parse_int("+007"), 7);
}

TEST(GoUrl, absolute_targets_take_the_path_of_the_url) {
  const auto path = [](const char* method, const char* target) {
    const auto url = go_request_url(method, target);
    return url ? url->path : "refused";
  };
  EXPECT_EQ(path("GET", "http://k8s/api"), "/api");
  EXPECT_EQ(path("GET", "HTTPS://u:p@k8s:1/api?x"), "/api");
  EXPECT_EQ(path("GET", "http:api"), "");
  EXPECT_EQ(path("GET", "k8s:443"), "");
  EXPECT_EQ(path("CONNECT", "k8s:443"), "");
  EXPECT_EQ(path("GET", "http://[fe80::1%25eth0]/x"), "/x");
  EXPECT_EQ(path("GET", "http://[1.2.3.4]/x"), "refused");
  EXPECT_EQ(path("GET", "http://a:b:1/x"), "refused");
  EXPECT_EQ(path("GET", "ftp://a:b:1/x"), "/x");
}

}  // namespace
}  // namespace gh::authz
