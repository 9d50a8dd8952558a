# Unpacks the archive of a channel: its only folder, under the channel's name. Other implementations build the same.
{ name, channelName, src }:
derivation {
  inherit name channelName src;
  system = "builtin";
  builder = "builtin:unpack-channel";
  preferLocalBuild = true;
}
