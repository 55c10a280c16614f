declare module "*/Dockerfile" {
  const text: string;
  export default text;
}
declare module "*/make-userland.sh" {
  const text: string;
  export default text;
}
declare module "*/absent-applets" {
  const text: string;
  export default text;
}
