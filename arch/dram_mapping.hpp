// SPDX-License-Identifier: Apache-2.0
// How the bits of an address become a DRAM's row, bank and column, from YAML.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/dram_config.hpp"
#include "base/yaml.hpp"

namespace memwall {

/// Row : bank : column : bank group from the most significant bit down: a stream goes round the
/// bank groups and stays in its rows. For DRAMs whose file gives no mapping.
DramMapping default_mapping(const DramConfig& dram);

/// `mapping`, a list such as [row, column, bank, bank_group, column:2] from the most significant
/// bit down: a field has the bits that are named, or those that are left of it. And `mapping_xor`,
/// a list such as [bank column:2]: the bank is XORed with as many bits of the column from bit 2 on.
/// The fields must have the bits that banks and rows of `dram` need.
DramMapping read_dram_mapping(MapReader& reader, const DramConfig& dram);

/// A mapping as the bits of a burst's number in its channel.
struct AddressBits {
    std::vector<std::uint64_t> bank;  ///< each bit of the bank, its group above its place in that:
                                      ///< the parity of these bits
    int row_shift = 0;                ///< the row is the bits from here on
};
AddressBits address_bits(const DramMapping& mapping);

/// How many banks so many consecutive bursts of a channel reach, the first of them aligned to as
/// many.
std::int64_t banks_of_run(const DramMapping& mapping, std::int64_t bursts);

/// The same in the words of `mapping` and of `mapping_xor`, every field but the row with its bits:
/// "row", "column:2"; "bank column:2".
std::vector<std::string> mapping_words(const DramMapping& mapping);
std::vector<std::string> mapping_xor_words(const DramMapping& mapping);

}  // namespace memwall
