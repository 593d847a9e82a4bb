// SPDX-License-Identifier: Apache-2.0
#include "tests/tokens/https_issuer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace gh::test {

struct HttpsIssuer::State {
  SSL_CTX* context = nullptr;
  int listener = -1;
  std::uint16_t port = 0;
};

HttpsIssuer::HttpsIssuer(const Issued& certificate) : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->context = SSL_CTX_new(TLS_server_method());
  const std::string chain = certificate.pem();
  const std::string key_pem = certificate.key_pem();
  BIO* bio = BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size()));
  X509* leaf = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(state_->context, leaf);
  SSL_CTX_use_PrivateKey(state_->context, key);
  X509_free(leaf);
  EVP_PKEY_free(key);
  state_->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(state_->listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(state_->listener, 8) != 0 ||
      getsockname(state_->listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    std::abort();
  state_->port = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

HttpsIssuer::~HttpsIssuer() {
  stop_ = true;
  thread_.join();
  close(state_->listener);
  SSL_CTX_free(state_->context);
}

std::string HttpsIssuer::url() const { return "https://localhost:" + std::to_string(state_->port); }

void HttpsIssuer::answer(const std::string& path, const std::string& body) {
  const std::lock_guard lock(mutex_);
  answers_[path] = body;
}

void HttpsIssuer::run() {
  while (!stop_) {
    pollfd waiting{state_->listener, POLLIN, 0};
    if (poll(&waiting, 1, 50) != 1) continue;
    const int fd = accept(state_->listener, nullptr, nullptr);
    if (fd < 0) continue;
    serve(fd);
    close(fd);
  }
}

void HttpsIssuer::serve(int fd) {
  SSL* ssl = SSL_new(state_->context);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    std::string request;
    char piece[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const int got = SSL_read(ssl, piece, sizeof piece);
      if (got <= 0) break;
      request.append(piece, static_cast<std::size_t>(got));
    }
    const std::string response = response_to(request);
    SSL_write(ssl, response.data(), static_cast<int>(response.size()));
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
}

std::string HttpsIssuer::response_to(const std::string& request) {
  const std::size_t from = request.find(' ') + 1;
  const std::string path = request.substr(from, request.find(' ', from) - from);
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(path);
  const bool known = found != answers_.end();
  const std::string body = known ? found->second : "none";
  return std::string("HTTP/1.1 ") + (known ? "200 OK" : "404 Not Found") +
         "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace gh::test
