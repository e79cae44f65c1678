// SPDX-License-Identifier: Apache-2.0
// Models are mostly weights, whose values nobody needs here. Dropping them before the message is
// parsed keeps memory small, whatever a file claims to hold.
#include <array>
#include <string_view>

#include "workloads/importers/onnx/model.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::size_t kLargestData = std::size_t{64} << 10U;  ///< of one tensor
constexpr std::size_t kLargestRest = std::size_t{32} << 20U;
constexpr int kMostFields = 4'000'000;

/// The messages on the way to the tensors, with the numbers of their fields in onnx.proto.
enum class Message { model, graph, node, attribute, tensor, opaque };

enum class Fate { copy, descend, drop };

struct Treatment {
    Fate fate = Fate::copy;
    Message inside = Message::opaque;
};

Treatment treatment(Message message, std::uint64_t field) {
    switch (message) {
        case Message::model:  // 7 graph, 20 training_info, 25 functions
            return field == 7 ? Treatment{Fate::descend, Message::graph}
                              : Treatment{field == 20 || field == 25 ? Fate::drop : Fate::copy};
        case Message::graph:  // 1 node, 5 initializer, 15 sparse_initializer
            return field == 1   ? Treatment{Fate::descend, Message::node}
                   : field == 5 ? Treatment{Fate::descend, Message::tensor}
                                : Treatment{field == 15 ? Fate::drop : Fate::copy};
        case Message::node:  // 5 attribute
            return field == 5 ? Treatment{Fate::descend, Message::attribute} : Treatment{};
        case Message::attribute:  // 5 t; 6 g, 10 tensors, 11 graphs, 22, 23 sparse
            return field == 5 ? Treatment{Fate::descend, Message::tensor}
                              : Treatment{field == 6 || field == 10 || field == 11 || field == 22 ||
                                                  field == 23
                                              ? Fate::drop
                                              : Fate::copy};
        default:
            return {};
    }
}

/// 4 float, 5 int32, 6 string, 7 int64, 9 raw, 10 double, 11 uint64 data.
bool is_data(std::uint64_t field) {
    static constexpr std::array<std::uint64_t, 7> kData = {4, 5, 6, 7, 9, 10, 11};
    for (const std::uint64_t each : kData) {
        if (each == field) {
            return true;
        }
    }
    return false;
}

void append_varint(std::string& text, std::uint64_t value) {
    while (value >= 0x80U) {
        text += static_cast<char>(static_cast<unsigned char>(value | 0x80U));
        value >>= 7U;
    }
    text += static_cast<char>(value);
}

class Slimmer {
public:
    /// False where `bytes` is no message.
    bool slim(std::string_view bytes, Message message, std::string& out) {
        std::size_t at = 0;
        while (at < bytes.size()) {
            const std::size_t begin = at;
            std::uint64_t key = 0;
            too_large_ = too_large_ || ++fields_ > kMostFields || out.size() > kLargestRest;
            if (too_large_ || !varint(bytes, at, key) || (key >> 3U) == 0) {
                return false;
            }
            const auto wire = static_cast<unsigned>(key & 7U);
            if (wire != 2) {
                if (!skip(bytes, at, wire)) {
                    return false;
                }
                out.append(bytes.substr(begin, at - begin));
            } else if (!slim_field(bytes, at, begin, key, message, out)) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] bool too_large() const { return too_large_; }

private:
    bool slim_field(std::string_view bytes, std::size_t& at, std::size_t begin, std::uint64_t key,
                    Message message, std::string& out) {
        std::uint64_t length = 0;
        if (!varint(bytes, at, length) || length > bytes.size() - at) {
            return false;
        }
        const std::string_view content = bytes.substr(at, length);
        at += length;
        const Treatment how = treatment(message, key >> 3U);
        const bool large =
            message == Message::tensor && is_data(key >> 3U) && content.size() > kLargestData;
        if (how.fate == Fate::drop || large) {
            return true;
        }
        if (how.fate == Fate::copy) {
            out.append(bytes.substr(begin, at - begin));
            return true;
        }
        std::string inside;
        if (!slim(content, how.inside, inside)) {
            return false;
        }
        append_varint(out, key);
        append_varint(out, inside.size());
        out += inside;
        return true;
    }

    static bool varint(std::string_view bytes, std::size_t& at, std::uint64_t& value) {
        value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (at == bytes.size()) {
                return false;
            }
            const auto byte = static_cast<unsigned char>(bytes[at++]);
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80U) {
                return true;
            }
        }
        return false;
    }

    static bool skip(std::string_view bytes, std::size_t& at, unsigned wire) {
        std::uint64_t ignored = 0;
        if (wire == 0) {
            return varint(bytes, at, ignored);
        }
        const std::size_t size = wire == 1 ? 8 : wire == 5 ? 4 : 0;
        if (size == 0 || bytes.size() - at < size) {
            return false;
        }
        at += size;
        return true;
    }

    int fields_ = 0;
    bool too_large_ = false;
};

}  // namespace

Slimmed slimmed(const std::string& bytes) {
    Slimmed result;
    Slimmer slimmer;
    const bool sound = slimmer.slim(bytes, Message::model, result.bytes);
    if (slimmer.too_large() || result.bytes.size() > kLargestRest) {
        result.fault = "is larger than any model is without its tensors";
    } else if (!sound) {
        result.fault = "is no ONNX model, or cut off";
    }
    return result;
}

}  // namespace memwall::importers::onnx
