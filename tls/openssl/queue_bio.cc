// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/queue_bio.h"

#include "tls/openssl/engine_impl.h"

#include <cstddef>
#include <cstdint>

namespace gh::tls {
namespace {

// Null: of an engine that is no more, while its handshake is wound up.
OpensslEngine* engine_of(BIO* bio) { return static_cast<OpensslEngine*>(BIO_get_data(bio)); }

int read_some(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  OpensslEngine* engine = engine_of(bio);
  const MutableBytes room(reinterpret_cast<std::uint8_t*>(into), static_cast<std::size_t>(size));
  const std::size_t taken = engine == nullptr ? 0 : engine->take_ciphertext(room);
  if (taken != 0) return static_cast<int>(taken);
  BIO_set_retry_read(bio);
  return -1;
}

int write_all(BIO* bio, const char* from, int size) {
  if (size <= 0) return 0;
  if (OpensslEngine* engine = engine_of(bio)) {
    engine->out().append(
        {reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)}
    );
  }
  return size;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse queue");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read(method, read_some);
  BIO_meth_set_write(method, write_all);
  BIO_meth_set_ctrl(method, control);
  BIO_meth_set_create(method, create);
  return method;
}

}  // namespace

BIO* make_queue_bio(OpensslEngine& engine) {
  static const BIO_METHOD* const method = make_method();  // a table of functions, never changed
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio != nullptr) BIO_set_data(bio, &engine);
  return bio;
}

}  // namespace gh::tls
