// SPDX-License-Identifier: Apache-2.0
#include "control/https_get.h"

#include "base/limits.h"

#include <curl/curl.h>

#include <memory>
#include <mutex>

namespace gh::control {
namespace {

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

using CurlHandle = std::unique_ptr<CURL, CurlFree>;

constexpr long redirects_max = 10;  // as Go's http.Client

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  const std::size_t bytes = size * count;
  if (body.size() + bytes > limits::oidc_answer_bytes_max) return 0;  // an error to curl
  body.append(data, bytes);
  return bytes;
}

int keep_going(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stop)->load(std::memory_order_relaxed) ? 1 : 0;
}

void set_options(
    CURL* curl,
    const std::string& url,
    const std::string& ca_pem,
    const std::atomic<bool>& stop,
    std::string& body
) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, redirects_max);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(limits::oidc_fetch_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "gatehouse");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, keep_going);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stop));
  if (ca_pem.empty()) return;
  curl_blob authorities{const_cast<char*>(ca_pem.data()), ca_pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
}

}  // namespace

Outcome<std::string> https_get(
    const std::string& url, const std::string& ca_pem, const std::atomic<bool>& stop
) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const CurlHandle curl(curl_easy_init());
  if (!curl) return fault("no memory for a request", url);
  std::string body;
  set_options(curl.get(), url, ca_pem, stop, body);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_WRITE_ERROR) return fault("the answer is too long", url);
  if (code != CURLE_OK) return fault(curl_easy_strerror(code), url);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return fault("answered " + std::to_string(status), url);
  return body;
}

}  // namespace gh::control
