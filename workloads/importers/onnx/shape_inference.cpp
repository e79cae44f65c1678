// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/shape_inference.hpp"

#include <google/protobuf/stubs/logging.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace memwall::importers::onnx {
namespace {

namespace pb = ::onnx;

constexpr unsigned kMostSeconds = 10;

/// It throws at what it cannot understand, which is no news then.
std::string infer(const std::string& bytes) {
    const google::protobuf::LogSilencer silence;
    pb::ModelProto model;
    try {
        model.ParseFromString(bytes);
        pb::shape_inference::InferShapes(model, pb::OpSchemaRegistry::Instance(),
                                         pb::ShapeInferenceOptions(false, 0, true));
    } catch (const std::exception&) {
        return "";
    }
    pb::GraphProto values;
    *values.mutable_output() = model.graph().output();
    *values.mutable_value_info() = model.graph().value_info();
    return values.SerializeAsString();
}

[[noreturn]] void work(int out, const std::string& model) {
    for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        std::signal(crash, SIG_DFL);
    }
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(kMostSeconds);
    const std::string found = infer(model);
    for (std::size_t sent = 0; sent < found.size();) {
        const ssize_t written = write(out, found.data() + sent, found.size() - sent);
        if (written <= 0) {
            _exit(1);
        }
        sent += static_cast<std::size_t>(written);
    }
    _exit(0);
}

std::string read_all(int from) {
    std::string text;
    std::array<char, 1 << 16> part{};
    for (;;) {
        const ssize_t got = read(from, part.data(), part.size());
        if (got > 0) {
            text.append(part.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || errno != EINTR) {
            return text;
        }
    }
}

}  // namespace

std::string inferred_values(const std::string& model) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
        return "";
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        work(ends[1], model);
    }
    close(ends[1]);
    std::string found = child > 0 ? read_all(ends[0]) : "";
    close(ends[0]);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? found : "";
}

}  // namespace memwall::importers::onnx
