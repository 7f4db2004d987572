/** Whether it is a UUID, as DigitalOcean's ids of clusters and apps are; of any version, in either case. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
