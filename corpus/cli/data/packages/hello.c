#include <greet.h>
#include <stdio.h>
#include <string.h>

/* Greets in the language that the configuration file says. */
int main(int argc, char **argv) {
  char language[16] = "";
  FILE *config = fopen(CONFIG, "r");
  if (!config || !fgets(language, sizeof language, config)) return 1;
  fclose(config);
  language[strcspn(language, "\n")] = 0;
  printf("%s, %s!\n", greeting(language), argc > 1 ? argv[1] : "world");
  return 0;
}
