declare module "*/THIRD_PARTY_NOTICES.md" {
  const text: string;
  export default text;
}
