# SPDX-License-Identifier: Apache-2.0
# What Debian 12 gives us (scripts/setup installs it). Each is linked PRIVATE by the one folder that wraps it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
include(tls_library)
include(crypto_mb)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(URCU_QSBR REQUIRED IMPORTED_TARGET liburcu-qsbr)
find_package(simdjson REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(tl-expected REQUIRED)
pkg_check_modules(JEMALLOC IMPORTED_TARGET jemalloc)
find_package(prometheus-cpp CONFIG REQUIRED)

# llhttp ships as C sources in the Debian package node-llhttp.
set(LLHTTP_DIR /usr/share/llhttp CACHE PATH "folder with api.c http.c llhttp.c")
set(LLHTTP_INCLUDE /usr/share/include/llhttp CACHE PATH "folder with llhttp.h")
add_library(llhttp STATIC ${LLHTTP_DIR}/api.c ${LLHTTP_DIR}/http.c ${LLHTTP_DIR}/llhttp.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})

include(dpdk)

if(GH_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
endif()
if(GH_BENCH)
  find_package(benchmark REQUIRED)
endif()
