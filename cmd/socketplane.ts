/** The entry of both executables. */

if (process.env.CNI_COMMAND === "VERSION") {
  const supportedVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
  console.log(JSON.stringify({ cniVersion: "1.1.0", supportedVersions }));
}
process.exit(0);
