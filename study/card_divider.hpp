// SPDX-License-Identifier: Apache-2.0
// Who gets which layers of a network, of the cards of a machine: by the time that each takes, and
// by what fits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "sim/result.hpp"
#include "study/card_parts.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A card that holds all layers, and whose host link is never in the way.
enum class WholeCard {
    own_buffer,  ///< with the buffer of one card, in front of its DRAM
    all_buffers  ///< with those of all cards in one: weights stay there where all hold them
};

/// Runs layers one behind the other on such a card.
using WholeRun = std::function<RunResult(const Network& layers, WholeCard card)>;

/// A stage that found no room on its card when it was mapped.
struct RefusedStage {
    StageLayers stage;
    DoesNotFit why;
};

/// How the cards are divided for all steps of a network, and what was found not to fit in any.
struct CardLayout {
    Division division;  ///< empty: not yet
    std::vector<RefusedStage> refused;
    bool tells_most_users = true;  ///< else results leave out how many would fit
};

/// A step found no room in a division that was made for another: there is a new refusal in the
/// layout, and what was run by the old division is to be run again.
class DividedAgain : public DoesNotFit {
public:
    explicit DividedAgain(const DoesNotFit& why) : DoesNotFit(why) {}
};

/// What `work` gives. It is done anew, and told so, as long as one of its steps finds no room on
/// cards that are divided for those before it: until the division has room for all.
template <class Work>
auto until_all_have_room(const Work& work) -> decltype(work(true)) {
    for (bool again = false;; again = true) {
        try {
            return work(again);
        } catch (const DividedAgain&) {
            continue;  // whoever runs the steps divides otherwise now
        }
    }
}

/// Divides a network over the cards of a machine as a pipeline. Network and machine must outlive
/// it.
class CardDivider {
public:
    /// `groups`: that go through the cards one behind the other; 0: without end.
    CardDivider(const Network& network, const Machine& machine, std::int64_t groups);
    ~CardDivider();
    CardDivider(const CardDivider&) = delete;
    CardDivider& operator=(const CardDivider&) = delete;

    /// Finds what each layer takes, for divide(). Throws DoesNotFit where the cards cannot hold the
    /// network, by the sum of its bytes.
    void weigh(const WholeRun& run);

    /// The division without a stage that was refused whose fullest card holds least, by the sum of
    /// its bytes; none where no cards have room.
    [[nodiscard]] std::optional<Division> roomiest() const;
    /// The best division (PartitionGoal) without a stage that was refused. Throws the last refusal
    /// where there is none.
    [[nodiscard]] Division divide() const;

    /// What a stage was measured to take. Whether that is so much longer than it was taken for that
    /// stages with its layers are weighed anew, and there may be a better division.
    bool correct(const StageLayers& stage, Seconds measured);
    /// That stage, and all that have its layers or their equals, find no room on a card.
    void refuse(const RefusedStage& refused);

private:
    class Sections;
    std::unique_ptr<Sections> sections_;
};

}  // namespace memwall
