// SPDX-License-Identifier: Apache-2.0
// Several equal cards that share a network: as a pipeline, over the `host` link of each card or a
// link between them, and what is said here; or tensor parallel, over a link between them.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {

enum class CardParallelism : std::uint8_t {
    pipeline,  ///< each card has layers of its own
    tensor     ///< each card has a part of every layer
};

inline const char* name(CardParallelism parallelism) {
    return parallelism == CardParallelism::tensor ? "tensor" : "pipeline";
}

struct CardsConfig {
    CardParallelism parallel = CardParallelism::pipeline;
    std::int64_t count = 1;
    SourceMark count_where;  ///< where the machine's file says so
    /// From the last byte that leaves a card's link to the first that enters the next one's, while
    /// cards and host are free for others: latency.
    Picoseconds hop;
    /// That a card and its host are taken for each group that goes through, beside the run itself:
    /// what the commands of a host cost (write tensor, run network, read tensor; Modha et al.,
    /// Science 382, 2023) where what goes through hangs on an answer, as tokens do and frames do
    /// not. The overhead of the LogP model (Culler et al., PPoPP 1993).
    Picoseconds overhead;
    /// Of a model, each with an equal part of the cards; a pipeline alone has several.
    std::int64_t instances = 1;
    std::int64_t together = 1;  ///< users whose tokens go through a card together
    /// The component over which a card reaches the others; empty: a pipeline hands on over `host`.
    std::string link;

    [[nodiscard]] bool tensor_parallel() const { return parallel == CardParallelism::tensor; }
    /// Whether cards of a pipeline reach each other directly, and not through a host.
    [[nodiscard]] bool linked_pipeline() const { return !tensor_parallel() && !link.empty(); }
};

}  // namespace memwall
