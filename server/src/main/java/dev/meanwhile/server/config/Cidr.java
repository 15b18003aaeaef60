package dev.meanwhile.server.config;

import java.net.InetAddress;

/// A range of IP addresses. Immutable.
///
/// @param network its first address
/// @param bits how many leading bits all its addresses share: 0 to 32, or to 128 for IPv6
public record Cidr(InetAddress network, int bits) {
  public Cidr {
    byte[] address = network.getAddress();
    if (bits < 0 || bits > address.length * Byte.SIZE) {
      throw new Wrong("the number after the slash must be 0 to " + address.length * Byte.SIZE);
    }
    for (int bit = bits; bit < address.length * Byte.SIZE; bit++) {
      if ((address[bit / Byte.SIZE] & (0x80 >> bit % Byte.SIZE)) != 0) {
        throw new Wrong("the address goes on after its first " + bits + " bits: end it in zeros");
      }
    }
  }

  /// Reads a range as people write it.
  ///
  /// @param text an address, alone or with a slash and a number of bits: `10.0.0.0/8`, `::1`
  /// @throws IllegalArgumentException if it is no such range
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      InetAddress address = Addresses.parse(text);
      return new Cidr(address, address.getAddress().length * Byte.SIZE);
    }
    String bits = text.substring(slash + 1);
    if (!bits.matches("\\d{1,3}")) {
      throw new IllegalArgumentException("no number after the slash");
    }
    return new Cidr(Addresses.parse(text.substring(0, slash)), Integer.parseInt(bits));
  }

  /// Whether the address is in this range. An IPv4 address is in no IPv6 range.
  public boolean contains(InetAddress address) {
    byte[] mine = network.getAddress();
    byte[] theirs = address.getAddress();
    if (mine.length != theirs.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit += Byte.SIZE) {
      int mask = bits - bit >= Byte.SIZE ? 0xff : 0xff00 >> (bits - bit) & 0xff;
      if (((mine[bit / Byte.SIZE] ^ theirs[bit / Byte.SIZE]) & mask) != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public String toString() {
    return network.getHostAddress() + "/" + bits;
  }
}
