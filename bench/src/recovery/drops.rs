//! Datagrams that the kernel dropped because nobody read them in time.

use anyhow::Context as _;

/// What the sockets on these ports have dropped so far.
pub(crate) fn of(ports: &[u16]) -> anyhow::Result<u64> {
    let mut sum = 0;
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        let text =
            std::fs::read_to_string(table).with_context(|| format!("{table} cannot be read"))?;
        let dropped = text.lines().skip(1).filter_map(parse);
        sum += dropped
            .filter(|(port, _)| ports.contains(port))
            .map(|(_, drops)| drops)
            .sum::<u64>();
    }
    Ok(sum)
}

/// The local port of a line and its last field, the drops.
fn parse(line: &str) -> Option<(u16, u64)> {
    let mut fields = line.split_whitespace();
    let (_, port) = fields.nth(1)?.rsplit_once(':')?;
    let drops = fields.next_back()?.parse().ok()?;
    Some((u16::from_str_radix(port, 16).ok()?, drops))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_names_its_port_and_its_drops() {
        let line = "  527: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 41512 2 0000000000000000 17";
        assert_eq!(parse(line), Some((8080, 17)));
        assert_eq!(parse("  sl  local_address rem_address   st"), None);
    }
}
